// SPDX-License-Identifier: GPL-2.0
/* The contract of the stream that /dev/sshobs carries, as uapi/sshobs.h states it. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

/* Some text of a length. */
static const char *text_of(size_t len)
{
	static char text[SSHOBS_MARK_MAX + 1];

	memset(text, 'x', len);
	text[len] = '\0';
	return text;
}

static ssize_t mark_text(const char *text)
{
	return mark(text, strlen(text));
}

/* How long the record of a mark is. */
static size_t mark_len(size_t text_len)
{
	return (sizeof(struct sshobs_hdr) + sizeof(struct sshobs_mark) + text_len + 7) & ~7UL;
}

static bool is_mark(const struct sshobs_hdr *hdr, const char *text)
{
	const struct sshobs_mark *rec = body(hdr);

	return hdr->type == SSHOBS_MARK && rec->text_len == strlen(text) &&
	       !memcmp(rec->text, text, rec->text_len);
}

static int open_text_now(int flags)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC | flags);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

static void set_format(struct __test_metadata *_metadata, int fd, __u32 format)
{
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_SET_FORMAT, &format));
}

static struct sshobs_info info_of(struct __test_metadata *_metadata, int fd)
{
	struct sshobs_info info;

	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_INFO, &info));
	return info;
}

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

TEST_F(reader, threads_that_share_a_file_share_its_records)
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

TEST_F(reader, numbers_rise_by_one_and_time_never_falls_with_eight_writers)
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

TEST_F(reader, eight_readers_get_every_record_while_four_write)
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

TEST_F(reader, cat_into_head_ends_when_head_has_enough)
{
	pid_t child = fork();

	if (!child) {
		signal(SIGPIPE, SIG_DFL);
		execlp("sh", "sh", "-c", "test $(cat " DEVICE " | head -n 3 | wc -l) = 3", NULL);
		_exit(127);
	}
	EXPECT_EQ(0, mark_until_end(child));
}

TEST_F(reader, awk_gets_every_field_of_a_line)
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

TEST_F(reader, two_cats_killed_half_way_leave_nothing_behind)
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

TEST_F(reader, the_module_stays_while_a_reader_is_open)
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

/* --- overtaken -------------------------------------------------------------- */

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

/**
 * struct account - what one reader has got
 * @next: number of the record that comes next if nothing is lost
 * @received: records
 * @lost: records that LOST told of
 * @losses: LOST records
 * @wrong: records and LOSTs whose number was another one
 * @error: errno where read() failed, or -1 where it returned 0
 */
struct account {
	uint64_t	next;
	uint64_t	received;
	uint64_t	lost;
	uint64_t	losses;
	uint64_t	wrong;
	int		error;
};

static void account_for(struct account *account, const struct sshobs_hdr *hdr)
{
	if (hdr->seq != account->next)
		account->wrong++;
	if (hdr->type == SSHOBS_LOST) {
		const struct sshobs_lost *rec = body(hdr);

		account->losses++;
		account->lost += rec->count;
		account->next = hdr->seq + rec->count;
	} else {
		account->received++;
		account->next = hdr->seq + 1;
	}
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

SELFTEST_MAIN()
