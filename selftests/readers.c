// SPDX-License-Identifier: GPL-2.0
/* Several readers of the stream at once, and the tools of every day. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "marks.h"

FIXTURE(readers) {
	int	fd;		/* binary, behind the newest record, O_NONBLOCK */
	char	buf[65536] __attribute__((aligned(8)));
};

FIXTURE_SETUP(readers)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = records_open_now(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(readers)
{
	close(self->fd);
}

TEST_F(readers, threads_that_share_a_file_share_its_records)
{
	int fds[2], i;
	pid_t child;
	size_t count = 0;

	/* Each record goes to one of the two, none to both. */
	for (i = 0; i < 200; i++) {
		ASSERT_EQ(8, mark_text("8 bytes!"));
	}
	ASSERT_EQ(0, pipe(fds));
	child = fork();
	if (!child) {
		while (read(self->fd, self->buf, mark_len(8)) == (ssize_t)mark_len(8))
			if (write(fds[1], "x", 1) != 1)
				_exit(1);
		_exit(0);
	}
	while (read(self->fd, self->buf, mark_len(8)) == (ssize_t)mark_len(8))
		count++;
	ASSERT_EQ(0, wait_for(child));
	close(fds[1]);
	while (read_byte(fds[0]) == 1)
		count++;
	EXPECT_EQ(200U, count);
}

TEST_F(readers, numbers_rise_by_one_and_time_never_falls_with_eight_writers)
{
	struct log log;
	pid_t child[8];
	int i, n;

	ASSERT_TRUE(log_open(&log));
	for (i = 0; i < 8; i++) {
		child[i] = fork();
		if (child[i])
			continue;
		for (n = 0; n < 200; n++)
			if (mark_text("busy") != 4)
				_exit(1);
		_exit(0);
	}
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, wait_for(child[i]));
	}
	ASSERT_TRUE(log_sync(&log));
	expect_stream_in_order(_metadata, &log);
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(200U, log_count(&log, WANT(.type = SSHOBS_MARK, .pid = child[i])));
	}
	log_close(&log);
}

/* Read until the mark "stop" and return a sum over all bytes, and how many there were. */
static uint64_t sum_until_stop(int fd, size_t *records)
{
	static char buf[16384] __attribute__((aligned(8)));
	const struct sshobs_hdr *hdr;
	uint64_t sum = 14695981039346656037ULL;
	ssize_t len, i;

	for (;;) {
		len = read(fd, buf, sizeof(buf));
		if (len <= 0)
			return 0;
		for (i = 0; i < len; i++)
			sum = (sum ^ (unsigned char)buf[i]) * 1099511628211ULL;
		for_each_record(hdr, buf, len) {
			(*records)++;
			if (is_mark(hdr, "stop"))
				return sum;
		}
	}
}

struct eight {
	uint64_t	sum[8];
	size_t		records[8];
};

TEST_F(readers, eight_readers_get_every_record_while_four_write)
{
	struct eight *eight = mmap(NULL, sizeof(*eight), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t readers[8], writers[4];
	int i, n, fd;

	for (i = 0; i < 8; i++) {
		fd = records_open_now(0);
		readers[i] = fork();
		if (!readers[i]) {
			eight->sum[i] = sum_until_stop(fd, &eight->records[i]);
			_exit(0);
		}
		close(fd);
	}
	for (i = 0; i < 4; i++) {
		writers[i] = fork();
		if (!writers[i]) {
			for (n = 0; n < 250; n++)
				mark(text_of(1 + n), 1 + n);
			_exit(0);
		}
	}
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, wait_for(writers[i]));
	}
	ASSERT_EQ(4, mark_text("stop"));
	for (i = 0; i < 8; i++) {
		ASSERT_EQ(0, wait_for(readers[i]));
		EXPECT_EQ(1001U, eight->records[i]);
		EXPECT_NE(0ULL, eight->sum[i]);
		EXPECT_EQ(eight->sum[0], eight->sum[i]);
	}
}

/* --- tools ------------------------------------------------------------------ */

/* Write marks until a process has ended. Return its status. */
static int mark_until_end(pid_t pid)
{
	uint64_t start = now_ms();
	int status;

	while (!waitpid(pid, &status, WNOHANG)) {
		if (now_ms() - start > SECONDS * 1000)
			return -1;
		mark_text("tick");
		sched_yield();
	}
	return status;
}

TEST_F(readers, cat_into_head_ends_when_head_has_enough)
{
	pid_t child = fork();

	if (!child) {
		signal(SIGPIPE, SIG_DFL);
		execlp("sh", "sh", "-c", "test $(cat " DEVICE " | head -n 3 | wc -l) = 3", NULL);
		_exit(127);
	}
	EXPECT_EQ(0, mark_until_end(child));
}

TEST_F(readers, awk_gets_every_field_of_a_line)
{
	/* mawk and gawk both; busybox's where there is none. */
	const char *line = "awk=$(command -v awk || echo 'busybox awk'); cat " DEVICE
			   " | $awk '$3 == \"mark\" && $5 == \"text=\\\"tick\\\"\" { exit 0 }"
			   " NR > 100000 { exit 1 }'";
	pid_t child = fork();

	if (!child) {
		signal(SIGPIPE, SIG_DFL);
		execlp("sh", "sh", "-c", line, NULL);
		_exit(127);
	}
	EXPECT_EQ(0, mark_until_end(child));
}

static __u64 readers_now(struct __test_metadata *_metadata, int fd)
{
	struct sshobs_stats stats;

	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	return stats.readers;
}

TEST_F(readers, two_cats_killed_half_way_leave_nothing_behind)
{
	__u64 before = readers_now(_metadata, self->fd);
	int fds[2], i;
	pid_t cats[2];

	/* Nobody reads this pipe: they fill it, and stick in the middle. */
	ASSERT_EQ(0, pipe(fds));
	for (i = 0; i < 500; i++)
		mark(text_of(1000), 1000);
	for (i = 0; i < 2; i++) {
		cats[i] = fork();
		if (!cats[i]) {
			dup2(fds[1], STDOUT_FILENO);
			execlp("cat", "cat", DEVICE, NULL);
			_exit(127);
		}
	}
	for (i = 0; i < 2; i++) {
		ASSERT_TRUE(wait_in_syscall(cats[i], SYS_write));
	}
	EXPECT_EQ(before + 2, readers_now(_metadata, self->fd));
	for (i = 0; i < 2; i++) {
		kill(cats[i], SIGKILL);
		ASSERT_EQ(SIGKILL, WTERMSIG(wait_for(cats[i])));
	}
	EXPECT_EQ(before, readers_now(_metadata, self->fd));
	ASSERT_EQ(4, mark_text("last"));
	EXPECT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
}

TEST_F(readers, the_module_stays_while_a_reader_is_open)
{
	EXPECT_EQ(-EWOULDBLOCK, module_unload());
	EXPECT_TRUE(module_loaded());
	ASSERT_EQ(5, mark_text("still"));
	EXPECT_EQ((ssize_t)mark_len(5), read(self->fd, self->buf, sizeof(self->buf)));
	close(self->fd);
	EXPECT_EQ(0, module_unload());
	EXPECT_FALSE(module_loaded());
	EXPECT_EQ(-1, access(DEVICE, F_OK));
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = records_open(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
	/* It begins anew. */
	EXPECT_EQ(1ULL, info_of(_metadata, self->fd).next_seq);
}

SELFTEST_MAIN()
