// SPDX-License-Identifier: GPL-2.0
/*
 * Records without end: what the module of the variant "generator" writes, from tasks and
 * from interrupts in the midst of them, and what readers of every kind get of it. The
 * content of each record follows from its number, so a torn one is seen.
 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "variants/generator.h"

#include "marks.h"
#include "member.h"

#define PARAMETER(name)	"/sys/module/sshobs/parameters/" name
/* Some 200 records. */
#define SMALLEST_RING	PORTS " ring_kb=64"

#define READERS_MAX	64

/* Have so many records written. Return true when they are. */
static bool generate(unsigned long count)
{
	char text[32];

	return write_file(PARAMETER("generate"), text, snprintf(text, sizeof(text), "%lu", count));
}

/* Begin a record on the last processor, or end it. */
static bool hold_record(bool held)
{
	return write_file(PARAMETER("hold"), held ? "1" : "0", 1);
}

/* --- readers ---------------------------------------------------------------- */

/**
 * struct tally - what one reader has got of the generated records
 * @account: by the numbers of the stream
 * @newest: by the numbers of each writer
 * @missing: records that the writers' numbers say have not come
 * @torn: records whose content is not what was written
 */
struct tally {
	struct account	account;
	uint64_t	newest[SSHOBS_GENERATORS_MAX];
	uint64_t	missing;
	uint64_t	torn;
};

static bool intact(const struct sshobs_hdr *hdr)
{
	const struct sshobs_mark *rec = body(hdr);
	const struct sshobs_generated *generated = (void *)rec->text;
	uint32_t i;

	if (hdr->hdr_len != sizeof(*hdr) || hdr->type != SSHOBS_MARK || hdr->session ||
	    hdr->len != mark_len(rec->text_len) || generated->writer >= SSHOBS_GENERATORS_MAX ||
	    generated->words != sshobs_generated_words(generated->writer, generated->number) ||
	    rec->text_len != sizeof(*generated) + generated->words * sizeof(uint64_t))
		return false;
	for (i = 0; i < generated->words; i++)
		if (generated->word[i] != sshobs_generated_word(generated->writer,
								generated->number, i))
			return false;
	return true;
}

static void tally_record(struct tally *tally, const struct sshobs_hdr *hdr)
{
	const struct sshobs_generated *generated = (void *)((struct sshobs_mark *)body(hdr))->text;

	account_for(&tally->account, hdr);
	if (hdr->type == SSHOBS_LOST)
		return;
	if (!intact(hdr)) {
		tally->torn++;
		return;
	}
	/* What one writer writes comes in its order. */
	if (generated->number <= tally->newest[generated->writer])
		tally->account.wrong++;
	tally->missing += generated->number - tally->newest[generated->writer] - 1;
	tally->newest[generated->writer] = generated->number;
}

/* Count a read's records; true: that was the last of all. */
static bool tally_records(struct tally *tally, const char *buf, ssize_t len)
{
	const struct sshobs_hdr *hdr;

	for_each_record(hdr, buf, len) {
		if (is_mark(hdr, "stop")) {
			account_for(&tally->account, hdr);
			return true;
		}
		tally_record(tally, hdr);
	}
	return false;
}

static char buffer[65536] __attribute__((aligned(8)));

static void read_records(int fd, struct tally *tally, size_t room, useconds_t pause_us)
{
	ssize_t len;

	while ((len = read(fd, buffer, room)) > 0) {
		if (tally_records(tally, buffer, len))
			return;
		if (pause_us)
			usleep(pause_us);
	}
	tally->account.error = len ? errno : -1;
}

static void read_at_once(int fd, struct tally *tally)
{
	read_records(fd, tally, sizeof(buffer), 0);
}

static void read_one_by_one(int fd, struct tally *tally)
{
	read_records(fd, tally, mark_len(SSHOBS_MARK_MAX), 0);
}

static void read_with_pauses(int fd, struct tally *tally)
{
	read_records(fd, tally, SSHOBS_RECORD_MAX, 1000);
}

static void read_with_long_pauses(int fd, struct tally *tally)
{
	read_records(fd, tally, sizeof(buffer), 100000);
}

/* With O_NONBLOCK. */
static void read_when_polled(int fd, struct tally *tally)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	ssize_t len;

	while (poll(&poll_fd, 1, SECONDS * 1000) == 1) {
		len = read(fd, buffer, sizeof(buffer));
		if (len < 0 && errno == EAGAIN)
			continue;
		if (len <= 0)
			break;
		if (tally_records(tally, buffer, len))
			return;
	}
	tally->account.error = errno;
}

/* Stops itself now and then, and has the test continue it. */
static void read_stopped(int fd, struct tally *tally)
{
	unsigned int reads = 0;
	ssize_t len;

	while ((len = read(fd, buffer, 8 * SSHOBS_MARK_MAX)) > 0) {
		if (tally_records(tally, buffer, len))
			return;
		if (++reads % 64 == 1)
			raise(SIGSTOP);
	}
	tally->account.error = len ? errno : -1;
}

/* Every other time into memory that is not there, may not be written, or ends too soon. */
static void read_into_bad_buffers(int fd, struct tally *tally)
{
	char *page = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *const bad[] = { NULL, page + 4096, page + 4096 - 64, (char *)-4096 };
	unsigned int i = 0;
	ssize_t len;

	mprotect(page + 4096, 4096, PROT_READ);
	for (;;) {
		len = read(fd, bad[i++ % ARRAY_SIZE(bad)], 4096);
		if (len >= 0 || errno != EFAULT)
			break;
		/* The end of the page has room for some records, and not for the next one. */
		len = read(fd, page + 8, 8192);
		if (len < 0)
			break;
		if (tally_records(tally, page + 8, len))
			return;
	}
	tally->account.error = len < 0 ? errno : -1;
}

/* Lines have no number of the stream: count them, and what they say was lost. */
static bool tally_line(struct tally *tally, const char *line)
{
	const char *lost = strstr(line, " lost sshobs[0] count=");

	if (lost) {
		tally->account.losses++;
		tally->account.lost += strtoull(lost + 22, NULL, 10);
		return false;
	}
	if (!strstr(line, " s0.0 mark "))
		tally->torn++;
	tally->account.received++;
	return strstr(line, "text=\"stop\"");
}

static void read_lines(int fd, struct tally *tally, size_t room)
{
	static char line[8 * SSHOBS_MARK_MAX];
	size_t have = 0;
	ssize_t len, i;

	while ((len = read(fd, buffer, room)) > 0) {
		for (i = 0; i < len && have < sizeof(line) - 1; i++) {
			line[have++] = buffer[i];
			if (buffer[i] != '\n')
				continue;
			line[have] = '\0';
			have = 0;
			if (tally_line(tally, line))
				return;
		}
	}
	tally->account.error = len ? errno : -1;
}

static void read_text(int fd, struct tally *tally)
{
	read_lines(fd, tally, 4096);
}

static void read_byte_by_byte(int fd, struct tally *tally)
{
	read_lines(fd, tally, 1);
}

/**
 * struct manner - how a reader reads
 * @name: said of it
 * @read: reads to the end
 * @text: lines
 * @flags: for open()
 */
struct manner {
	const char	*name;
	void		(*read)(int fd, struct tally *tally);
	bool		text;
	int		flags;
};

static const struct manner manners[] = {
	{ "as fast as it can", read_at_once, false, 0 },
	{ "record by record", read_one_by_one, false, 0 },
	{ "after poll()", read_when_polled, false, O_NONBLOCK },
	{ "with pauses", read_with_pauses, false, 0 },
	{ "with long pauses", read_with_long_pauses, false, 0 },
	{ "stopped for most of the time", read_stopped, false, 0 },
	{ "as text", read_text, true, 0 },
	{ "byte by byte", read_byte_by_byte, true, 0 },
	/* Only where they are asked for: */
	{ "into bad buffers", read_into_bad_buffers, false, 0 },
};

#define SPEEDS		8
#define BAD_BUFFERS	8

/* --- the flood -------------------------------------------------------------- */

FIXTURE(generated) {
	struct tally	*tallies;
	pid_t		readers[READERS_MAX];
	unsigned int	manner[READERS_MAX];
	unsigned int	count;
	uint64_t	first;
};

FIXTURE_SETUP(generated)
{
	clean_start();
	ASSERT_EQ(0, module_reload(SMALLEST_RING));
	if (access(PARAMETER("generate"), F_OK))
		SKIP(return, "the module has no generator: see selftests/variants");
	self->tallies = mmap(NULL, READERS_MAX * sizeof(*self->tallies), PROT_READ | PROT_WRITE,
			     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_NE(MAP_FAILED, self->tallies);
}

FIXTURE_TEARDOWN(generated)
{
}

static void start_reader(struct __test_metadata *_metadata, FIXTURE_DATA(generated) *self,
			 unsigned int manner)
{
	const struct manner *how = &manners[manner];
	int fd = how->text ? open_text_now(how->flags) : records_open_now(how->flags);
	struct tally *tally = &self->tallies[self->count];
	pid_t pid;

	ASSERT_LE(0, fd);
	self->first = info_of(_metadata, fd).next_seq;
	tally->account.next = self->first;
	pid = fork();
	if (!pid) {
		how->read(fd, tally);
		_exit(0);
	}
	close(fd);
	self->manner[self->count] = manner;
	self->readers[self->count++] = pid;
}

/* Wait for a process, and continue whoever stops himself meanwhile. */
static int wait_for_all(FIXTURE_DATA(generated) *self, pid_t pid)
{
	uint64_t start = now_ms();
	unsigned int i;
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() - start > 20 * SECONDS * 1000)
			return -1;
		usleep(20000);
		for (i = 0; i < self->count; i++)
			kill(self->readers[i], SIGCONT);
	}
	return status;
}

static void expect_exact(struct __test_metadata *_metadata, FIXTURE_DATA(generated) *self,
			 unsigned int i, uint64_t written)
{
	const struct tally *tally = &self->tallies[i];
	const struct account *account = &tally->account;
	const struct manner *how = &manners[self->manner[i]];

	EXPECT_EQ(0, account->error) TH_LOG("%s", how->name);
	EXPECT_EQ(written, account->received + account->lost) TH_LOG("%s", how->name);
	EXPECT_EQ(0ULL, account->wrong) TH_LOG("%s", how->name);
	EXPECT_EQ(0ULL, tally->torn) TH_LOG("%s", how->name);
	/* The mark at the end was received as well. */
	EXPECT_LT(1ULL, account->received) TH_LOG("%s", how->name);
	if (how->text)
		return;
	EXPECT_EQ(self->first + written, account->next) TH_LOG("%s", how->name);
	/* What the writers count says the same, up to the last that came of each. */
	EXPECT_LE(tally->missing, account->lost) TH_LOG("%s", how->name);
}

static void generate_and_expect(struct __test_metadata *_metadata, FIXTURE_DATA(generated) *self,
				unsigned long count)
{
	uint64_t start = now_ms(), received = 0, lost = 0;
	struct sshobs_stats stats;
	unsigned int i;
	pid_t pid;
	int fd;

	pid = fork();
	if (!pid)
		_exit(!generate(count));
	ASSERT_EQ(0, wait_for_all(self, pid));
	TH_LOG("%lu records were written in %llu ms", count, (unsigned long long)(now_ms() - start));
	ASSERT_EQ(4, mark_text("stop"));
	fd = records_open(0);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	close(fd);
	EXPECT_EQ(self->first + count, stats.written);
	/* A machine that is emulated loses its processors in the midst of a record. */
	TH_LOG("%llu found no room in the ring", (unsigned long long)stats.dropped);
	for (i = 0; i < self->count; i++) {
		ASSERT_EQ(0, wait_for_all(self, self->readers[i]));
		expect_exact(_metadata, self, i, count + 1);
		received += self->tallies[i].account.received;
		lost += self->tallies[i].account.lost;
		if (self->count <= SPEEDS)
			TH_LOG("%s: %llu received, %llu lost in %llu times", manners[self->manner[i]].name,
			       (unsigned long long)self->tallies[i].account.received,
			       (unsigned long long)self->tallies[i].account.lost,
			       (unsigned long long)self->tallies[i].account.losses);
	}
	/* Else the flood was none, or none was there to see it. */
	EXPECT_LT(0ULL, lost);
	EXPECT_LT(received, (count + 1) * self->count);
}

TEST_F_TIMEOUT(generated, eight_readers_of_different_speed_are_each_exact, 20 * SECONDS)
{
	unsigned int i;

	for (i = 0; i < SPEEDS; i++)
		start_reader(_metadata, self, i);
	generate_and_expect(_metadata, self, scaled(25000000));
}

TEST_F_TIMEOUT(generated, sixty_four_readers_at_once_are_each_exact, 20 * SECONDS)
{
	unsigned int i;

	for (i = 0; i < READERS_MAX; i++)
		start_reader(_metadata, self, i % ARRAY_SIZE(manners));
	generate_and_expect(_metadata, self, scaled(100000));
}

/* Each number is another moment, and of four in a row each reads in another manner. */
static void kill_a_reader(struct __test_metadata *_metadata, unsigned long number)
{
	struct tally tally = { 0 };
	pid_t victim = fork();
	int fd;

	if (!victim) {
		fd = number % 2 ? open_text_now(0) : records_open_now(0);
		manners[number % 2 ? 6 + number / 2 % 2 : number / 2 % 2].read(fd, &tally);
		_exit(0);
	}
	usleep(1000 * (number % 7));
	kill(victim, SIGKILL);
	ASSERT_EQ(victim, waitpid(victim, NULL, 0));
}

/* Who dies in the middle leaves nothing, and takes nothing from the others. */
TEST_F_TIMEOUT(generated, readers_that_are_killed_or_pass_bad_buffers_disturb_nobody, 20 * SECONDS)
{
	unsigned long count = scaled(2000000), kills = 0, written = 0;
	struct sshobs_stats stats;
	int status, fd;
	pid_t pid;

	start_reader(_metadata, self, 0);
	start_reader(_metadata, self, BAD_BUFFERS);
	/* A host that is busy may have the records written before anybody has begun to read. */
	while (kills < 8) {
		pid = fork();
		if (!pid)
			_exit(!generate(count));
		while (!waitpid(pid, &status, WNOHANG))
			kill_a_reader(_metadata, kills++);
		ASSERT_EQ(0, status);
		written += count;
	}
	TH_LOG("%lu readers were killed, %lu records were written", kills, written);
	ASSERT_EQ(4, mark_text("stop"));
	for (unsigned int i = 0; i < self->count; i++) {
		ASSERT_EQ(0, wait_for_all(self, self->readers[i]));
		expect_exact(_metadata, self, i, written + 1);
	}
	fd = records_open(0);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(1ULL, stats.readers);
}

/* --- a writer that does not come to the end of its record -------------------- */

FIXTURE(held) {
	int		fd;	/* O_NONBLOCK, before the record that is held */
	struct account	account;
};

FIXTURE_SETUP(held)
{
	clean_start();
	ASSERT_EQ(0, module_reload(SMALLEST_RING));
	if (access(PARAMETER("hold"), F_OK))
		SKIP(return, "the module has no generator: see selftests/variants");
	if (sysconf(_SC_NPROCESSORS_ONLN) < 2)
		SKIP(return, "there is one processor only");
	/* The last one is the writer's: nobody else runs there. */
	ASSERT_TRUE(stay_on(0));
	self->fd = records_open_now(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
	self->account.next = info_of(_metadata, self->fd).next_seq;
}

FIXTURE_TEARDOWN(held)
{
	hold_record(false);
	close(self->fd);
}

/* Account for all that there is. */
static void read_on(FIXTURE_DATA(held) *self)
{
	const struct sshobs_hdr *hdr;
	ssize_t len;

	while ((len = read(self->fd, buffer, sizeof(buffer))) > 0)
		for_each_record(hdr, buffer, len)
			account_for(&self->account, hdr);
}

TEST_F(held, readers_wait_at_its_record_and_get_all_that_stands_afterwards)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };
	uint64_t first = self->account.next;

	ASSERT_EQ(6, mark_text("before"));
	ASSERT_TRUE(hold_record(true));
	ASSERT_TRUE(generate(20));
	read_on(self);
	EXPECT_EQ(1ULL, self->account.received);
	EXPECT_EQ(EAGAIN, errno);
	EXPECT_EQ(1, poll(&poll_fd, 1, 0));

	ASSERT_TRUE(hold_record(false));
	read_on(self);
	EXPECT_EQ(22ULL, self->account.received);
	EXPECT_EQ(0ULL, self->account.lost);
	EXPECT_EQ(0ULL, self->account.wrong);
	EXPECT_EQ(first + 22, self->account.next);
}

TEST_F(held, a_full_ring_stops_no_writer_and_what_found_no_room_is_counted_as_lost)
{
	uint64_t first = self->account.next;
	struct sshobs_stats stats;

	ASSERT_TRUE(hold_record(true));
	ASSERT_TRUE(generate(2000));
	/* It returns: it does not wait for the record that is in its way. */
	ASSERT_EQ(4, mark_text("more"));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(first + 2001, stats.written);
	EXPECT_LT(1000ULL, stats.dropped);
	read_on(self);
	EXPECT_EQ(0ULL, self->account.received + self->account.lost);

	ASSERT_TRUE(hold_record(false));
	read_on(self);
	ASSERT_EQ(4, mark_text("last"));
	read_on(self);
	EXPECT_EQ(0ULL, self->account.wrong);
	EXPECT_EQ(2003ULL, self->account.received + self->account.lost);
	EXPECT_EQ(stats.dropped, self->account.lost);
	EXPECT_EQ(first + 2003, self->account.next);
}

TEST_F(held, a_reader_that_waits_for_the_writer_can_be_killed)
{
	int fd = records_open_now(0);
	uint64_t start;
	pid_t pid;

	ASSERT_TRUE(hold_record(true));
	pid = fork();
	if (!pid)
		_exit(read(fd, buffer, sizeof(buffer)) < 0);
	usleep(200000);
	start = now_ms();
	kill(pid, SIGKILL);
	EXPECT_EQ(SIGKILL, wait_for(pid));
	/* Not only once the writer, which takes 10 s if nobody stops it, has ended. */
	EXPECT_GT(start + 5000, now_ms());
}

/* --- and a session that has something to tell meanwhile ---------------------- */

static void fork_when_told(int sock)
{
	int i;

	until_closed(hold);
	for (i = 0; i < 3; i++)
		if (!born(0))
			leave(4);
	while (wait(NULL) > 0)
		;
	scene->number = 1;
	until_closed(sock);
}

TEST_F(held, a_session_whose_records_found_no_room_is_marked)
{
	const struct sshobs_end *end;
	uint64_t session, own = 0;
	struct log log;
	pid_t server;
	int client, release;
	uint64_t start;
	size_t i;

	ASSERT_TRUE(log_open(&log));
	part = fork_when_told;
	release = scene_start(AF_INET, serve_part, &server);
	ASSERT_LE(0, release);
	client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(client));
	session = log_wait_session(&log, scene->conn[0].port);
	ASSERT_NE(0ULL, session);
	ASSERT_TRUE(log_sync(&log));

	ASSERT_TRUE(hold_record(true));
	ASSERT_TRUE(generate(2000));
	close(release);
	for (start = now_ms(); !*(volatile int *)&scene->number; usleep(1000)) {
		ASSERT_GT(start + 9000, now_ms());
	}
	ASSERT_TRUE(hold_record(false));
	close(client);
	ASSERT_EQ(0, wait_for(server));
	ASSERT_NE(NULL, log_wait(&log, IN(SSHOBS_END, session)));

	end = body(log_find(&log, IN(SSHOBS_END, session)));
	EXPECT_EQ((__u32)SSHOBS_INCOMPLETE_DROPPED, end->incomplete);
	EXPECT_EQ(4U, end->processes);
	/* Of its own numbers, just those are missing: 3 clones and 3 exits. */
	for (i = 0; i < log.count; i++)
		own += log.recs[i]->session == session;
	EXPECT_EQ(6ULL, log_find(&log, IN(SSHOBS_END, session))->session_seq - own);
	log_close(&log);
}

SELFTEST_MAIN()
