// SPDX-License-Identifier: GPL-2.0
/* Readers that are slower than the writers: what they have lost is told, exactly. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>

#include "marks.h"

#define SMALL_RING	(64 * 1024)

/* The smallest ring: 64 KiB, some 900 short marks. */
FIXTURE(overtaken) {
	int	fd;
	char	buf[65536] __attribute__((aligned(8)));
};

FIXTURE_SETUP(overtaken)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS " ring_kb=64"));
	self->fd = records_open_now(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(overtaken)
{
	close(self->fd);
}

/* Write so many records that the ring turns over twice. Return how many. */
static unsigned int turn_over(void)
{
	const unsigned int marks = 2 * SMALL_RING / mark_len(1000);
	unsigned int i;

	for (i = 0; i < marks; i++)
		mark(text_of(1000), 1000);
	return marks;
}

TEST_F(overtaken, a_reader_gets_one_lost_with_the_exact_count_in_its_place)
{
	struct account account = { .next = info_of(_metadata, self->fd).next_seq };
	const struct sshobs_hdr *hdr;
	uint64_t first = account.next;
	unsigned int written;
	ssize_t len;

	written = turn_over();
	len = read(self->fd, self->buf, sizeof(self->buf));
	ASSERT_LT(0, len);
	hdr = (void *)self->buf;
	ASSERT_EQ(SSHOBS_LOST, hdr->type);
	EXPECT_EQ(first, hdr->seq);
	EXPECT_EQ(0ULL, hdr->session);
	do {
		for_each_record(hdr, self->buf, len)
			account_for(&account, hdr);
	} while ((len = read(self->fd, self->buf, sizeof(self->buf))) > 0);

	EXPECT_EQ(0ULL, account.wrong);
	EXPECT_EQ(1ULL, account.losses);
	EXPECT_LT(0ULL, account.received);
	EXPECT_EQ(written, account.received + account.lost);
	EXPECT_EQ(first + written, account.next);
}

TEST_F(overtaken, the_line_of_a_loss_has_the_count)
{
	int fd = open_text_now(O_NONBLOCK);
	unsigned int written = turn_over(), lost;
	static char text[SMALL_RING];
	size_t lines = 0;
	ssize_t len;
	char *at;

	len = read(fd, text, sizeof(text) - 1);
	ASSERT_LT(0, len);
	text[len] = '\0';
	at = strstr(text, " lost ");
	ASSERT_NE(NULL, at);
	ASSERT_GT(strchr(text, '\n'), at);
	at = strstr(at, " count=");
	ASSERT_NE(NULL, at);
	lost = atoi(at + 7);
	do {
		for (at = text; (at = memchr(at, '\n', text + len - at)); at++)
			lines++;
	} while ((len = read(fd, text, sizeof(text))) > 0);
	EXPECT_EQ(written, lost + lines - 1);
}

TEST_F(overtaken, a_late_reader_starts_at_what_stands_and_has_lost_nothing)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;
	int late;

	turn_over();
	late = records_open(O_NONBLOCK);
	ASSERT_LT(0, read(late, self->buf, sizeof(self->buf)));
	EXPECT_EQ(SSHOBS_MARK, hdr->type);
	EXPECT_EQ(info_of(_metadata, late).oldest_seq, hdr->seq);
	EXPECT_LT(1ULL, hdr->seq);
}

TEST_F(overtaken, seeking_forgives_the_loss)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;

	turn_over();
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(SSHOBS_MARK, hdr->type);
	turn_over();
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(overtaken, poll_tells_an_overtaken_reader_that_there_is_something)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };

	turn_over();
	ASSERT_EQ(1, poll(&poll_fd, 1, 0));
	EXPECT_EQ(POLLIN, poll_fd.revents);
}

TEST_F(overtaken, a_line_that_is_half_read_is_finished_although_its_record_is_gone)
{
	int fd = open_text_now(O_NONBLOCK);
	static char text[3 * 4096];
	char bytes[1024];
	ssize_t len;

	memset(bytes, 1, sizeof(bytes));
	ASSERT_EQ(1024, mark(bytes, sizeof(bytes)));
	ASSERT_EQ(4096, read(fd, text, 4096));
	turn_over();
	len = read(fd, text, sizeof(text));
	ASSERT_LT(0, len);
	/* The end of that line, then the loss. */
	EXPECT_EQ('1', *(char *)((char *)memchr(text, '"', len) - 1));
	EXPECT_EQ(memchr(text, '\n', len), (char *)memchr(text, '"', len) + 1);
	EXPECT_NE(NULL, memmem(text, len, " lost ", 6));
}

TEST_F(overtaken, the_counters_add_up)
{
	struct sshobs_stats stats;
	struct sshobs_info info;
	uint64_t stand = 0;
	int fd;

	turn_over();
	fd = records_open(O_NONBLOCK);
	info = info_of(_metadata, fd);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(info.next_seq - 1, stats.written);
	EXPECT_EQ((__u64)SMALL_RING, stats.ring_bytes);
	for (;;) {
		const struct sshobs_hdr *hdr;
		ssize_t len = read(fd, self->buf, sizeof(self->buf));

		if (len <= 0)
			break;
		for_each_record(hdr, self->buf, len)
			stand++;
	}
	EXPECT_EQ(stats.written, stats.overwritten + stats.dropped + stand);
}

#define FLOOD_WRITERS	4
#define FLOOD_MARKS	1200
#define FLOOD_READERS	5

/* How the readers of the flood differ: bytes a read, and pauses between two. */
static const struct {
	size_t	room;
	useconds_t pause_us;
} paces[FLOOD_READERS] = {
	{ 65536, 0 }, { 65536, 0 }, { SSHOBS_RECORD_MAX, 200 }, { 1200, 1000 }, { 65536, 50000 },
};

/* Read at a pace until the mark "stop", and account for every record. */
static void read_flood(int fd, int pace, struct account *account, uint32_t newest[FLOOD_WRITERS])
{
	static char buf[65536] __attribute__((aligned(8)));
	const struct sshobs_hdr *hdr;
	ssize_t len;

	while ((len = read(fd, buf, paces[pace].room)) > 0) {
		for_each_record(hdr, buf, len) {
			const struct sshobs_mark *rec = body(hdr);
			unsigned int writer, number;

			account_for(account, hdr);
			if (hdr->type != SSHOBS_MARK)
				continue;
			if (is_mark(hdr, "stop"))
				return;
			/* What one writer writes comes in its order, and unharmed. */
			if (sscanf((const char *)rec->text, "w%u n%u", &writer, &number) != 2 ||
			    writer >= FLOOD_WRITERS || number <= newest[writer] ||
			    rec->text[rec->text_len - 1] != '.')
				account->wrong++;
			else
				newest[writer] = number;
		}
		if (paces[pace].pause_us)
			usleep(paces[pace].pause_us);
	}
	account->error = len ? errno : -1;
}

static void write_flood(unsigned int writer)
{
	int fd = open(DEVICE, O_WRONLY);
	unsigned int n, seed = writer;
	char text[SSHOBS_MARK_MAX];

	for (n = 1; n <= FLOOD_MARKS; n++) {
		size_t len = 16 + rand_r(&seed) % (sizeof(text) - 16);

		memset(text, ' ', len);
		snprintf(text, len, "w%u n%u", writer, n);
		text[len - 1] = '.';
		if (write(fd, text, len) != (ssize_t)len)
			_exit(1);
	}
	_exit(0);
}

TEST_F(overtaken, received_and_lost_make_written_for_readers_of_every_pace)
{
	struct account *accounts = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
					MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	uint64_t first = info_of(_metadata, self->fd).next_seq;
	pid_t readers[FLOOD_READERS], writers[FLOOD_WRITERS];
	uint32_t newest[FLOOD_WRITERS] = {};
	uint64_t losses = 0, written;
	int i, fd;

	for (i = 0; i < FLOOD_READERS; i++) {
		fd = records_open_now(0);
		accounts[i].next = first;
		readers[i] = fork();
		if (!readers[i]) {
			read_flood(fd, i, &accounts[i], newest);
			_exit(0);
		}
		close(fd);
	}
	for (i = 0; i < FLOOD_WRITERS; i++) {
		writers[i] = fork();
		if (!writers[i])
			write_flood(i);
	}
	for (i = 0; i < FLOOD_WRITERS; i++) {
		ASSERT_EQ(0, wait_for(writers[i]));
	}
	ASSERT_EQ(4, mark_text("stop"));
	written = FLOOD_WRITERS * FLOOD_MARKS + 1;
	EXPECT_EQ(first + written, info_of(_metadata, self->fd).next_seq);
	for (i = 0; i < FLOOD_READERS; i++) {
		ASSERT_EQ(0, wait_for(readers[i]));
		EXPECT_EQ(0, accounts[i].error) TH_LOG("reader %d", i);
		EXPECT_EQ(0ULL, accounts[i].wrong) TH_LOG("reader %d", i);
		EXPECT_EQ(written, accounts[i].received + accounts[i].lost) TH_LOG("reader %d", i);
		EXPECT_EQ(first + written, accounts[i].next);
		losses += accounts[i].losses;
	}
	/* Else the flood was none. */
	EXPECT_LT(0ULL, losses);
}

/* --- each login's own numbers ----------------------------------------------- */

/* A server for one connection, whose child makes children; their ends are records. */
static void serve_forks(int listener, unsigned int forks)
{
	int sock = accept(listener, NULL, NULL);

	if (!fork()) {
		while (forks--) {
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
		}
		_exit(0);
	}
	close(sock);
	wait(NULL);
	_exit(0);
}

/* Records of a session that a reader got, and those that its own numbers say it lost. */
struct own_numbers {
	uint64_t received, lost, next;
};

static void count_own(struct own_numbers *own, const struct sshobs_hdr *hdr)
{
	own->received++;
	own->lost += hdr->session_seq - own->next;
	own->next = hdr->session_seq + 1;
}

TEST_F(overtaken, session_seq_tells_each_login_its_own_loss)
{
	struct own_numbers busy = { .next = 1 }, quiet = { .next = 1 };
	struct account account = { .next = info_of(_metadata, self->fd).next_seq };
	const unsigned int forks = 400;
	uint64_t quiet_session = 0, busy_session = 0;
	int listener, client[2], i;
	const struct sshobs_hdr *hdr;
	pid_t server;
	ssize_t len;

	/* First a login with few records, read at once; then one with some 800 that
	 * overtake the reader. The quiet one loses nothing.
	 */
	for (i = 0; i < 2; i++) {
		listener = listen_on(AF_INET, PORT);
		ASSERT_LE(0, listener);
		server = fork();
		if (!server)
			serve_forks(listener, i ? forks : 3);
		close(listener);
		client[i] = connect_to(AF_INET, PORT, NULL);
		ASSERT_LE(0, client[i]);
		ASSERT_EQ(0, wait_for(server));
		while ((len = read(self->fd, self->buf, sizeof(self->buf))) > 0) {
			for_each_record(hdr, self->buf, len) {
				account_for(&account, hdr);
				if (hdr->type == SSHOBS_LOST || !hdr->session)
					continue;
				if (i)
					busy_session = hdr->session;
				else
					quiet_session = hdr->session;
				count_own(i ? &busy : &quiet, hdr);
			}
		}
	}
	EXPECT_NE(quiet_session, busy_session);
	EXPECT_EQ(0ULL, account.wrong);
	/* established, accept, the child and its three: 4 clones + 4 exits, close, end. */
	EXPECT_EQ(12ULL, quiet.received);
	EXPECT_EQ(0ULL, quiet.lost);
	EXPECT_EQ(6 + 2 * forks, busy.received + busy.lost);
	EXPECT_LT(0ULL, busy.lost);
	/* The SYN came first, and belongs to nobody. */
	EXPECT_EQ(account.lost, busy.lost + 1);
}

/* --- and the login that writes does not wait for them --------------------------- */

#define ROUNDS		12
#define ROUND_FORKS	25
#define STOPPED		8
#define TRIES		5

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* A server whose child, a member, forks each time that it is told to, and says how long each took. */
static void serve_rounds(int listener, int go, int took)
{
	int sock = accept(listener, NULL, NULL), i;
	uint64_t ns[ROUND_FORKS];
	char byte;

	if (fork()) {
		close(sock);
		wait(NULL);
		_exit(0);
	}
	while (read(go, &byte, 1) == 1) {
		for (i = 0; i < ROUND_FORKS; i++) {
			uint64_t start = now_ns();
			pid_t pid = fork();

			if (!pid)
				_exit(0);
			waitpid(pid, NULL, 0);
			ns[i] = now_ns() - start;
		}
		if (write(took, ns, sizeof(ns)) != sizeof(ns))
			break;
	}
	close(sock);
	_exit(0);
}

/* Readers that were stopped in the midst of a record, one that was killed, and one that sleeps. */
static void start_stopped(struct __test_metadata *_metadata, pid_t pids[STOPPED])
{
	char bytes[32];
	int i, fd;

	for (i = 0; i < STOPPED; i++) {
		fd = i % 2 ? open_text_now(0) : records_open_now(0);
		ASSERT_LE(0, fd);
		ASSERT_EQ(8, mark_text("8 bytes!"));
		pids[i] = fork();
		if (!pids[i]) {
			(void)!read(fd, bytes, sizeof(bytes));
			if (i == 0)
				raise(SIGKILL);
			raise(i == 1 ? SIGCONT : SIGSTOP);
			pause();
			_exit(0);
		}
		close(fd);
	}
	for (i = 2; i < STOPPED; i++) {
		ASSERT_EQ(pids[i], waitpid(pids[i], NULL, WUNTRACED));
	}
}

static void end_stopped(pid_t pids[STOPPED])
{
	int i;

	for (i = 0; i < STOPPED; i++) {
		kill(pids[i], SIGKILL);
		waitpid(pids[i], NULL, 0);
	}
}

static bool time_round(int go, int took, uint64_t ns[ROUND_FORKS])
{
	const ssize_t size = ROUND_FORKS * sizeof(*ns);

	return write(go, "g", 1) == 1 && read(took, ns, size) == size;
}

static int compare(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return *x < *y ? -1 : *x > *y;
}

/* What the quicker ones took that nothing else came between. */
static uint64_t lower_quartile(uint64_t ns[ROUNDS][ROUND_FORKS])
{
	qsort(ns, ROUNDS * ROUND_FORKS, sizeof(ns[0][0]), compare);
	return ns[ROUNDS / 4][0];
}

/* Times forks of a login without and with readers, in turns. */
static void time_forks(struct __test_metadata *_metadata, int fd, int go, int took, uint64_t *without, uint64_t *with)
{
	static uint64_t without_ns[ROUNDS][ROUND_FORKS], with_ns[ROUNDS][ROUND_FORKS];
	struct sshobs_stats stats;
	pid_t pids[STOPPED];
	int i;

	for (i = 0; i < ROUNDS; i++) {
		turn_over();
		ASSERT_TRUE(time_round(go, took, without_ns[i]));
		start_stopped(_metadata, pids);
		turn_over();
		ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
		EXPECT_LT((__u64)STOPPED - 1, stats.readers);
		ASSERT_TRUE(time_round(go, took, with_ns[i]));
		end_stopped(pids);
	}
	*without = lower_quartile(without_ns);
	*with = lower_quartile(with_ns);
	TH_LOG("a fork took %llu ns without readers, %llu ns with them",
	       (unsigned long long)*without, (unsigned long long)*with);
}

TEST_F(overtaken, stopped_slow_and_dead_readers_delay_no_fork_of_a_login)
{
	int listener = listen_on(AF_INET, PORT), client, go[2], took[2], tries = TRIES;
	uint64_t without, with, most;
	pid_t server;

	ASSERT_EQ(0, pipe2(go, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(took, O_CLOEXEC));
	server = fork();
	if (!server) {
		close(go[1]);
		serve_rounds(listener, go[0], took[1]);
	}
	client = connect_to(AF_INET, PORT, NULL);
	ASSERT_LE(0, client);
	/* A delay by the readers is there each time, one by a busy host is not. */
	do {
		time_forks(_metadata, self->fd, go[1], took[0], &without, &with);
		/* More than what an emulated machine is out by. */
		most = without + without / 2;
	} while (with >= most && --tries);
	close(go[1]);
	ASSERT_EQ(0, wait_for(server));
	close(client);
	EXPECT_GT(most, with);
}

SELFTEST_MAIN()
