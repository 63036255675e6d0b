// SPDX-License-Identifier: GPL-2.0
/* Who was there before the module: a load adopts him where it is clear by whom, and disturbs nobody. */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

/* Without the page that has the arguments, and in no need of it. */
static void live_without_arguments(void)
{
	const uintptr_t page = getpagesize();
	volatile char below[2 * page];

	below[0] = 0;
	if (munmap((void *)((uintptr_t)program_invocation_name & -page), page))
		_exit(126);
	for (;;)
		pause();
}

/* Two connections, accepted without the module. Return who listens. */
static int accept_unseen(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self, int sock[2])
{
	int server = listen_on(AF_INET, PORT), i;

	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	for (i = 0; i < 2; i++) {
		self->client = connect_to(AF_INET, PORT, NULL);
		sock[i] = accept4(server, NULL, NULL, SOCK_CLOEXEC);
		ASSERT_LE(0, sock[i]);
	}
	return server;
}

static void load_and_read(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self)
{
	ASSERT_EQ(0, module_want(PORTS));
	self->log.fd = records_open(O_NONBLOCK);
	ASSERT_TRUE(log_sync(&self->log));
}

static void expect_unread_arguments(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
				    pid_t pid)
{
	const struct sshobs_hdr *hdr = log_find(&self->log, WANT(.type = SSHOBS_EXEC, .pid = pid));
	const struct sshobs_exec *rec;

	ASSERT_NE(NULL, hdr);
	rec = body(hdr);
	EXPECT_EQ((__u32)(SSHOBS_EXEC_ADOPTED | SSHOBS_EXEC_ARGV_UNREAD), rec->flags);
	EXPECT_EQ(0U, rec->argv_len);
	EXPECT_LT(0U, rec->argv_total);
}

TEST_F(member, who_was_there_first_is_adopted_where_it_is_clear_by_whom)
{
	int sock[2], server = accept_unseen(_metadata, self, sock);
	pid_t one, both;

	both = fork();
	if (!both) {
		close(server);
		for (;;)
			pause();
	}
	one = fork();
	if (!one) {
		close(server);
		close(sock[1]);
		live_without_arguments();
	}
	ASSERT_TRUE(wait_in_syscall(both, SYS_pause));
	ASSERT_TRUE(wait_in_syscall(one, SYS_pause));

	load_and_read(_metadata, self);
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ADOPT)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_EXEC)));
	expect_unread_arguments(_metadata, self, one);
	kill(one, SIGKILL);
	kill(both, SIGKILL);
}

#define DEAD	5

/* Whose children are dead, and never waited for. */
static void live_with_the_dead(void)
{
	siginfo_t info;
	int i;

	for (i = 0; i < DEAD; i++) {
		if (!fork())
			_exit(0);
		if (waitid(P_ALL, 0, &info, WEXITED | WNOWAIT))
			_exit(126);
	}
	for (;;)
		pause();
}

TEST_F(member, the_dead_are_not_adopted)
{
	int sock[2], server = accept_unseen(_metadata, self, sock);
	const struct sshobs_hdr *hdr;
	const struct sshobs_end *end;
	pid_t pid;

	close(sock[1]);
	pid = fork();
	if (!pid) {
		close(server);
		live_with_the_dead();
	}
	close(sock[0]);
	ASSERT_TRUE(wait_in_syscall(pid, SYS_pause));

	load_and_read(_metadata, self);
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
	kill(pid, SIGKILL);
	hdr = log_wait(&self->log, WANT(.type = SSHOBS_END));
	ASSERT_NE(NULL, hdr);
	end = body(hdr);
	EXPECT_EQ(1U, end->processes);
}

/* A file system that never answers could be behind them. */
static void live_with_arguments_in_a_file(void)
{
	int fd = open(self_path(), O_RDONLY);
	char *at = mmap(NULL, getpagesize(), PROT_READ, MAP_PRIVATE | MAP_POPULATE, fd, 0);

	if (at == MAP_FAILED || prctl(PR_SET_MM, PR_SET_MM_ARG_START, at, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ARG_END, at + 64, 0, 0))
		_exit(126);
	for (;;)
		pause();
}

TEST_F(member, arguments_that_are_in_a_file_are_not_read_when_a_session_is_adopted)
{
	int sock[2], server = accept_unseen(_metadata, self, sock);
	pid_t pid = fork();

	if (!pid) {
		close(server);
		close(sock[1]);
		live_with_arguments_in_a_file();
	}
	ASSERT_TRUE(wait_in_syscall(pid, SYS_pause));

	load_and_read(_metadata, self);
	expect_unread_arguments(_metadata, self, pid);
	kill(pid, SIGKILL);
}

static void fill_table_with(int count)
{
	const struct rlimit limit = { count, count };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(126);
	while (dup(STDERR_FILENO) >= 0)
		;
}

static void hoard(void)
{
	fill_table_with(FDS_MAX + 1);
	for (;;)
		pause();
}

/* Has a child that holds nothing but very many others, and tells its pid. */
static void live_with_a_hoarder(int sock, int tell)
{
	pid_t child = fork();

	if (!child) {
		close(sock);
		hoard();
	}
	if (write(tell, &child, sizeof(child)) != sizeof(child))
		_exit(126);
	for (;;)
		pause();
}

TEST_F(member, who_was_there_first_with_more_than_65536_descriptors_is_adopted_by_his_parent)
{
	int sock[2], server = accept_unseen(_metadata, self, sock), told[2];
	pid_t one, child, other;

	ASSERT_EQ(0, pipe(told));
	one = fork();
	if (!one) {
		close(server);
		close(sock[1]);
		live_with_a_hoarder(sock[0], told[1]);
	}
	other = fork();
	if (!other) {
		close(server);
		close(sock[0]);
		hoard();
	}
	ASSERT_EQ((ssize_t)sizeof(child), read(told[0], &child, sizeof(child)));
	ASSERT_TRUE(wait_in_syscall(child, SYS_pause));
	ASSERT_TRUE(wait_in_syscall(other, SYS_pause));

	load_and_read(_metadata, self);
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ADOPT)));
	EXPECT_EQ(2U, log_count(&self->log, WANT(.type = SSHOBS_CLONE)));
	EXPECT_NE(NULL, log_find(&self->log, WANT(.type = SSHOBS_EXEC, .pid = one)));
	EXPECT_NE(NULL, log_find(&self->log, WANT(.type = SSHOBS_EXEC, .pid = child)));
	kill(child, SIGKILL);
	kill(one, SIGKILL);
	kill(other, SIGKILL);
}

#define CROWD	1000

/* Many who have a large table together, each of whom is to be looked at. */
static void be_a_crowd(void)
{
	int i;

	fill_table_with(FDS_MAX - 10);
	for (i = 0; i < CROWD; i++)
		if (!raw_clone(CLONE_FILES))
			break;
	for (;;)
		pause();
}

/* The longest time for which somebody else had the processor, as of now. */
static void watch_the_clock(volatile uint64_t *longest)
{
	uint64_t last = now_ms(), now;

	if (!stay_on(0))
		_exit(126);
	for (;; last = now) {
		now = now_ms();
		if (now - last > *longest)
			*longest = now - last;
	}
}

/* What a machine that has other work does to a test of time, it does not each time. */
#define LOADS	5

/* Return whether the load was a small part of its time at a stretch. */
static bool load_in_small_parts(struct __test_metadata *_metadata, volatile uint64_t *longest)
{
	uint64_t start, took;

	*longest = 0;
	start = now_ms();
	EXPECT_EQ(0, module_reload(PORTS));
	took = now_ms() - start;
	TH_LOG("%llu of %llu ms at a stretch", (unsigned long long)*longest,
	       (unsigned long long)took);
	return took > 6 * *longest;
}

TEST_F(member, a_load_leaves_the_processor_to_others_however_much_it_has_to_look_at)
{
	uint64_t *longest = mmap(NULL, sizeof(*longest), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pid_t crowd, clock;
	int i;

	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	crowd = fork();
	if (!crowd) {
		setpgid(0, 0);
		be_a_crowd();
	}
	ASSERT_TRUE(wait_in_syscall(crowd, SYS_pause));
	clock = fork();
	if (!clock)
		watch_the_clock(longest);
	ASSERT_TRUE(stay_on(0));
	for (i = 0; i < LOADS && !load_in_small_parts(_metadata, longest); i++)
		;
	EXPECT_GT(LOADS, i);
	kill(clock, SIGKILL);
	kill(-crowd, SIGKILL);
	ASSERT_TRUE(log_open(&self->log));
}

SELFTEST_MAIN()
