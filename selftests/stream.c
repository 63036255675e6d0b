// SPDX-License-Identifier: GPL-2.0
/* The contract of the stream that /dev/sshobs carries, as uapi/sshobs.h states it: one reader. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>

#include "marks.h"

/* --- one reader ------------------------------------------------------------- */

/* A ring in which no test here comes near the end. */
FIXTURE(reader) {
	int	fd;		/* binary, behind the newest record, O_NONBLOCK */
	char	buf[65536] __attribute__((aligned(8)));
};

FIXTURE_SETUP(reader)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = records_open_now(O_NONBLOCK);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(reader)
{
	close(self->fd);
}

/* A child that reads once; what it got comes through the pipe. */
static pid_t read_in_child(int fd, int *from_child)
{
	int pipe_fds[2];
	pid_t pid;

	if (pipe(pipe_fds))
		return -1;
	pid = fork();
	if (!pid) {
		static char buf[65536];
		ssize_t len = read(fd, buf, sizeof(buf));

		if (len < 0)
			_exit(errno);
		_exit(write(pipe_fds[1], buf, len) == len ? 0 : 255);
	}
	close(pipe_fds[1]);
	*from_child = pipe_fds[0];
	return pid;
}

TEST_F(reader, read_blocks_until_there_is_a_record)
{
	int fd = records_open_now(0), from_child;
	pid_t child = read_in_child(fd, &from_child);

	ASSERT_TRUE(wait_in_syscall(child, SYS_read));
	ASSERT_EQ(4, mark_text("wake"));
	ASSERT_EQ(0, wait_for(child));
	ASSERT_EQ((ssize_t)mark_len(4), read(from_child, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark((void *)self->buf, "wake"));
}

TEST_F(reader, every_blocked_reader_wakes_up)
{
	int fds[8], from_child[8];
	pid_t child[8];
	int i;

	for (i = 0; i < 8; i++) {
		fds[i] = records_open_now(0);
		child[i] = read_in_child(fds[i], &from_child[i]);
	}
	for (i = 0; i < 8; i++) {
		ASSERT_TRUE(wait_in_syscall(child[i], SYS_read));
	}
	ASSERT_EQ(4, mark_text("wake"));
	for (i = 0; i < 8; i++) {
		EXPECT_EQ(0, wait_for(child[i]));
		ASSERT_EQ((ssize_t)mark_len(4),
			  read(from_child[i], self->buf, sizeof(self->buf)));
		EXPECT_TRUE(is_mark((void *)self->buf, "wake"));
	}
}

static void ignore_signal(int nr)
{
	(void)nr;
}

TEST_F(reader, a_signal_interrupts_a_blocked_read)
{
	const struct sigaction action = { .sa_handler = ignore_signal };
	int fd = records_open_now(0), from_child;
	pid_t child;
	int status;

	sigaction(SIGUSR1, &action, NULL);
	child = read_in_child(fd, &from_child);
	ASSERT_TRUE(wait_in_syscall(child, SYS_read));
	kill(child, SIGUSR1);
	status = wait_for(child);
	ASSERT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EINTR, WEXITSTATUS(status));
}

TEST_F(reader, read_says_EAGAIN_when_there_is_nothing_and_may_not_block)
{
	ASSERT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(4, mark_text("here"));
	EXPECT_EQ((ssize_t)mark_len(4), read(self->fd, self->buf, sizeof(self->buf)));
	ASSERT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(reader, poll_says_POLLIN_only_when_there_is_a_record)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };

	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
	ASSERT_EQ(4, mark_text("here"));
	ASSERT_EQ(1, poll(&poll_fd, 1, SECONDS * 1000));
	EXPECT_EQ(POLLIN, poll_fd.revents);
	EXPECT_EQ((ssize_t)mark_len(4), read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(0, poll(&poll_fd, 1, 0));
}

TEST_F(reader, poll_wakes_up_when_a_record_comes)
{
	struct pollfd poll_fd = { .fd = self->fd, .events = POLLIN };
	pid_t child = fork();

	if (!child)
		_exit(poll(&poll_fd, 1, SECONDS * 1000) == 1 && poll_fd.revents == POLLIN);
	ASSERT_TRUE(wait_in_syscall(child, SYS_poll));
	ASSERT_EQ(4, mark_text("wake"));
	EXPECT_EQ(1, WEXITSTATUS(wait_for(child)));
}

TEST_F(reader, a_buffer_too_small_for_a_record_is_EINVAL_and_the_record_stays)
{
	const size_t len = mark_len(100);
	size_t size;

	ASSERT_EQ(100, mark_text(text_of(100)));
	for (size = 0; size < len; size += size < len - 9 ? 8 : 1) {
		ASSERT_EQ(-1, read(self->fd, self->buf, size)) TH_LOG("%zu bytes", size);
		ASSERT_EQ(EINVAL, errno);
	}
	ASSERT_EQ((ssize_t)len, read(self->fd, self->buf, len));
	EXPECT_TRUE(is_mark((void *)self->buf, text_of(100)));
}

TEST_F(reader, a_line_is_read_byte_by_byte)
{
	int fd = open_text_now(O_NONBLOCK), whole = open_text_now(O_NONBLOCK);
	char line[512], byte;
	ssize_t len, i;

	ASSERT_EQ(4, mark_text("line"));
	ASSERT_EQ(5, mark_text("after"));
	EXPECT_EQ(-1, read(fd, &byte, 0));
	EXPECT_EQ(EINVAL, errno);
	len = read(whole, line, sizeof(line) - 1);
	ASSERT_LT(80, len);
	line[len] = '\0';
	EXPECT_NE(NULL, strstr(line, " text=\"line\"\n"));
	for (i = 0; i < len; i++) {
		ASSERT_EQ(1, read(fd, &byte, 1));
		ASSERT_EQ(line[i], byte);
	}
	EXPECT_EQ(-1, read(fd, &byte, 1));
	EXPECT_EQ(EAGAIN, errno);
}

TEST_F(reader, read_returns_whole_records_only)
{
	const size_t room = 1000;
	size_t seen = 0, i;

	for (i = 0; i < 40; i++) {
		ASSERT_EQ((ssize_t)(1 + i * 20), mark(text_of(1 + i * 20), 1 + i * 20));
	}
	while (seen < 40) {
		const struct sshobs_hdr *hdr;
		ssize_t len = read(self->fd, self->buf, room);
		size_t bytes = 0;

		ASSERT_LT(0, len);
		for_each_record(hdr, self->buf, len) {
			EXPECT_TRUE(is_mark(hdr, text_of(1 + seen * 20)));
			EXPECT_EQ(mark_len(1 + seen * 20), hdr->len);
			bytes += hdr->len;
			seen++;
		}
		/* They end where the buffer's content ends, and the next one had no room. */
		ASSERT_EQ((size_t)len, bytes);
		if (seen < 40) {
			EXPECT_GT(bytes + mark_len(1 + seen * 20), room);
		}
	}
}

TEST_F(reader, a_line_longer_than_the_buffer_is_continued_by_the_next_read)
{
	int fd = open_text_now(O_NONBLOCK), whole = open_text_now(O_NONBLOCK);
	static char parts[3 * 4096], line[3 * 4096];
	char bytes[1024];
	ssize_t first, rest, len;

	/* Each becomes \x01: 4096 bytes, and what else stands in a line. */
	memset(bytes, 1, sizeof(bytes));
	ASSERT_EQ(1024, mark(bytes, sizeof(bytes)));
	ASSERT_EQ(5, mark_text("after"));

	first = read(fd, parts, 4096);
	ASSERT_EQ(4096, first);
	rest = read(fd, parts + first, 4096);
	ASSERT_LT(0, rest);
	len = read(whole, line, sizeof(line));
	ASSERT_EQ(first + rest, len);
	EXPECT_EQ(0, memcmp(line, parts, len));
	/* Both have read the second mark, too: the rest of the line left room for it. */
	EXPECT_EQ(0, memcmp(line + len - 14, " text=\"after\"\n", 14));
}

TEST_F(reader, two_readers_see_the_same_bytes)
{
	int binary = records_open_now(O_NONBLOCK);
	int text[2] = { open_text_now(O_NONBLOCK), open_text_now(O_NONBLOCK) };
	static char other[sizeof(self->buf)];
	ssize_t len;
	int i;

	for (i = 0; i < 50; i++) {
		ASSERT_EQ(1 + i, mark(text_of(1 + i), 1 + i));
	}
	len = read(self->fd, self->buf, sizeof(self->buf));
	ASSERT_LT(0, len);
	ASSERT_EQ(len, read(binary, other, sizeof(other)));
	EXPECT_EQ(0, memcmp(self->buf, other, len));
	len = read(text[0], self->buf, sizeof(self->buf));
	ASSERT_LT(0, len);
	ASSERT_EQ(len, read(text[1], other, sizeof(other)));
	EXPECT_EQ(0, memcmp(self->buf, other, len));
}

TEST_F(reader, a_reader_that_opens_late_gets_the_history)
{
	const struct sshobs_hdr *last;
	struct sshobs_info info;
	struct log late = {};

	ASSERT_EQ(6, mark_text("before"));
	late.fd = records_open(O_NONBLOCK);
	ASSERT_LE(0, late.fd);
	info = info_of(_metadata, late.fd);
	while (log_more(&late, 0))
		;
	ASSERT_LT(0U, late.count);
	expect_stream_in_order(_metadata, &late);
	EXPECT_EQ(info.oldest_seq, late.recs[0]->seq);
	last = late.recs[late.count - 1];
	EXPECT_EQ(info.next_seq - 1, last->seq);
	EXPECT_TRUE(is_mark(last, "before"));
	log_close(&late);
}

TEST_F(reader, seeking_to_the_start_goes_back_to_the_oldest_record)
{
	static char again[sizeof(self->buf)];
	ssize_t len;

	ASSERT_EQ(3, mark_text("one"));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	len = read(self->fd, self->buf, sizeof(self->buf));
	ASSERT_LT(0, len);
	EXPECT_EQ(info_of(_metadata, self->fd).oldest_seq, ((struct sshobs_hdr *)self->buf)->seq);
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_SET));
	ASSERT_EQ(len, read(self->fd, again, sizeof(again)));
	EXPECT_EQ(0, memcmp(self->buf, again, len));
}

TEST_F(reader, seeking_to_the_end_skips_what_is_there)
{
	ASSERT_EQ(3, mark_text("one"));
	ASSERT_EQ(0, lseek(self->fd, 0, SEEK_END));
	EXPECT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);
	ASSERT_EQ(3, mark_text("two"));
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark((void *)self->buf, "two"));
}

TEST_F(reader, seeking_anywhere_else_is_refused_and_moves_nothing)
{
	static const struct {
		off_t	offset;
		int	whence;
		int	error;
	} bad[] = {
		{ 1, SEEK_SET, ESPIPE }, { -1, SEEK_SET, ESPIPE }, { 4096, SEEK_SET, ESPIPE },
		{ 1, SEEK_END, ESPIPE }, { -1, SEEK_END, ESPIPE },
		{ 0, SEEK_CUR, EINVAL }, { 0, SEEK_DATA, EINVAL }, { 0, SEEK_HOLE, EINVAL },
		{ 0, 77, EINVAL },
	};
	size_t i;

	ASSERT_EQ(3, mark_text("one"));
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		EXPECT_EQ(-1, lseek(self->fd, bad[i].offset, bad[i].whence));
		EXPECT_EQ(bad[i].error, errno) TH_LOG("number %zu", i);
	}
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark((void *)self->buf, "one"));
}

TEST_F(reader, seeking_in_the_middle_of_a_long_line_forgets_the_rest)
{
	int fd = open_text_now(O_NONBLOCK);
	char bytes[1024], line[4096];
	ssize_t len;

	memset(bytes, 1, sizeof(bytes));
	ASSERT_EQ(1024, mark(bytes, sizeof(bytes)));
	ASSERT_EQ(4096, read(fd, line, sizeof(line)));
	ASSERT_EQ(0, lseek(fd, 0, SEEK_END));
	ASSERT_EQ(4, mark_text("next"));
	len = read(fd, line, sizeof(line) - 1);
	ASSERT_LT(0, len);
	line[len] = '\0';
	EXPECT_NE(NULL, strstr(line, " mark "));
	EXPECT_NE(NULL, strstr(line, "text=\"next\"\n"));
}

TEST_F(reader, the_format_can_change_in_mid_stream)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;
	char line[512];
	ssize_t len;

	ASSERT_EQ(3, mark_text("one"));
	ASSERT_EQ(3, mark_text("two"));
	ASSERT_EQ(5, mark_text("three"));
	ASSERT_EQ((ssize_t)mark_len(3), read(self->fd, self->buf, mark_len(3)));
	EXPECT_TRUE(is_mark(hdr, "one"));

	set_format(_metadata, self->fd, SSHOBS_FORMAT_TEXT);
	EXPECT_EQ(SSHOBS_FORMAT_TEXT, info_of(_metadata, self->fd).format);
	/* Room for one line of some 50 bytes, but not for two. */
	len = read(self->fd, line, 70);
	ASSERT_LT(0, len);
	line[len] = '\0';
	EXPECT_NE(NULL, strstr(line, "text=\"two\"\n"));
	EXPECT_EQ(line + len - 1, strchr(line, '\n'));

	set_format(_metadata, self->fd, SSHOBS_FORMAT_BINARY);
	EXPECT_EQ(SSHOBS_FORMAT_BINARY, info_of(_metadata, self->fd).format);
	ASSERT_EQ((ssize_t)mark_len(5), read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark(hdr, "three"));
}

TEST_F(reader, the_format_can_change_in_the_middle_of_a_long_line)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;
	int fd = open_text_now(O_NONBLOCK);
	char bytes[1024], line[4096];
	ssize_t len;

	memset(bytes, 1, sizeof(bytes));
	ASSERT_EQ(1024, mark(bytes, sizeof(bytes)));
	ASSERT_EQ(4, mark_text("next"));
	ASSERT_EQ(4096, read(fd, line, sizeof(line)));
	set_format(_metadata, fd, SSHOBS_FORMAT_BINARY);
	/* Whole records, be it this one again or the one after it. */
	len = read(fd, self->buf, sizeof(self->buf));
	ASSERT_LT(0, len);
	if ((size_t)len > mark_len(4)) {
		EXPECT_EQ(mark_len(1024), hdr->len);
		hdr = (void *)((char *)hdr + hdr->len);
	}
	EXPECT_TRUE(is_mark(hdr, "next"));
	EXPECT_EQ(self->buf + len, (char *)hdr + hdr->len);
}

TEST_F(reader, a_mark_has_1_to_1024_bytes)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;
	char too_much[SSHOBS_MARK_MAX + 1];

	memset(too_much, 'x', sizeof(too_much));
	EXPECT_EQ(-1, mark("", 0));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, mark(too_much, sizeof(too_much)));
	EXPECT_EQ(EINVAL, errno);
	too_much[SSHOBS_MARK_MAX] = '\n';
	EXPECT_EQ(-1, mark(too_much, sizeof(too_much)));
	EXPECT_EQ(EINVAL, errno);
	EXPECT_EQ(-1, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(EAGAIN, errno);

	EXPECT_EQ(1, mark("x", 1));
	EXPECT_EQ(SSHOBS_MARK_MAX, mark(too_much, SSHOBS_MARK_MAX));
	ASSERT_EQ((ssize_t)(mark_len(1) + mark_len(SSHOBS_MARK_MAX)),
		  read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark(hdr, text_of(1)));
	hdr = (void *)((char *)hdr + hdr->len);
	EXPECT_TRUE(is_mark(hdr, text_of(SSHOBS_MARK_MAX)));
}

TEST_F(reader, a_mark_loses_the_newline_at_its_end_and_no_other)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;

	ASSERT_EQ(5, mark("line\n", 5));
	ASSERT_EQ(5, mark("a\nb\n\n", 5));
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark(hdr, "line"));
	hdr = (void *)((char *)hdr + hdr->len);
	EXPECT_TRUE(is_mark(hdr, "a\nb\n"));
}

TEST_F(reader, a_mark_may_hold_any_bytes)
{
	const struct sshobs_mark *rec = (void *)(self->buf + sizeof(struct sshobs_hdr));
	char bytes[256];
	int i;

	for (i = 0; i < 256; i++)
		bytes[i] = i;
	ASSERT_EQ(256, mark(bytes, sizeof(bytes)));
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	ASSERT_EQ(256U, rec->text_len);
	EXPECT_EQ(0, memcmp(rec->text, bytes, sizeof(bytes)));
}

TEST_F(reader, echo_to_the_device_is_a_mark_of_the_shell_that_wrote_it)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;

	ASSERT_EQ(0, run_shell("echo deploy started >" DEVICE));
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_TRUE(is_mark(hdr, "deploy started"));
	EXPECT_STREQ("sh", hdr->comm);
	EXPECT_NE((__u32)getpid(), hdr->pid);
	EXPECT_EQ(hdr->pid, hdr->tid);
	EXPECT_LT(0ULL, hdr->cpu_ns);
	EXPECT_EQ(0ULL, hdr->session);
	EXPECT_EQ(0ULL, hdr->session_seq);
}

TEST_F(reader, the_clocks_of_the_stream_are_those_of_the_system)
{
	const struct sshobs_hdr *hdr = (void *)self->buf;
	struct timespec before, after, real;
	struct sshobs_info info;
	__s64 offset;

	clock_gettime(CLOCK_MONOTONIC, &before);
	ASSERT_EQ(4, mark_text("when"));
	clock_gettime(CLOCK_MONOTONIC, &after);
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_LE(before.tv_sec * 1000000000ULL + before.tv_nsec, hdr->time_ns);
	EXPECT_GE(after.tv_sec * 1000000000ULL + after.tv_nsec, hdr->time_ns);

	info = info_of(_metadata, self->fd);
	clock_gettime(CLOCK_REALTIME, &real);
	clock_gettime(CLOCK_MONOTONIC, &after);
	offset = (real.tv_sec - after.tv_sec) * 1000000000LL + real.tv_nsec - after.tv_nsec;
	EXPECT_GT(1000000000LL, llabs(offset - info.realtime_offset_ns));
}

TEST_F(reader, info_counts_the_records)
{
	struct sshobs_info before = info_of(_metadata, self->fd), after;

	ASSERT_EQ(3, mark_text("one"));
	ASSERT_EQ(3, mark_text("two"));
	after = info_of(_metadata, self->fd);
	EXPECT_EQ((__u32)SSHOBS_ABI, after.abi);
	EXPECT_EQ(before.next_seq + 2, after.next_seq);
	EXPECT_EQ(before.oldest_seq, after.oldest_seq);
	ASSERT_LT(0, read(self->fd, self->buf, sizeof(self->buf)));
	EXPECT_EQ(before.next_seq, ((struct sshobs_hdr *)self->buf)->seq);
}

SELFTEST_MAIN()
