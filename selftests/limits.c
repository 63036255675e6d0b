// SPDX-License-Identifier: GPL-2.0
/* What is told of the limits that a member runs into: of a fork, an exec, a terminal, and at its end. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

/* --- a fork ----------------------------------------------------------------------- */

static void fork_to_the_limit(int sock)
{
	const struct rlimit limit = { .rlim_cur = 3, .rlim_max = 7 };
	int stay[2];
	pid_t pid;

	(void)sock;
	/* A user of its own: zombies of other tests would count. */
	if (pipe(stay) || setresuid(NOBODY + 1, NOBODY + 1, NOBODY + 1) ||
	    setrlimit(RLIMIT_NPROC, &limit))
		_exit(126);
	do {
		pid = born(0);
		if (!pid) {
			close(stay[1]);
			until_closed(stay[0]);
			leave(4);
		}
	} while (pid > 0);
	scene->number = errno;
	close(stay[1]);
	while (wait(NULL) > 0)
		;
}

TEST_F(member, a_fork_beyond_RLIMIT_NPROC_is_told_with_the_limit)
{
	const struct sshobs_clone_fail *rec;

	play(_metadata, self, fork_to_the_limit);
	/* The child and two of its own. */
	EXPECT_EQ(3U, scene->members);
	EXPECT_EQ(EAGAIN, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(EAGAIN, (int)rec->error);
	EXPECT_EQ(3ULL, rec->nproc_soft);
	EXPECT_EQ(7ULL, rec->nproc_hard);
	EXPECT_EQ(3ULL, rec->nproc_used);
	EXPECT_EQ(SSHOBS_FORK_NPROC, rec->limit);
}

#define CGROUP		"/sys/fs/cgroup/selftest"

/* A cgroup that has room for this process and @more. Return false where there are none. */
static bool make_cgroup(const char *more)
{
	if (access("/sys/fs/cgroup/cgroup.procs", F_OK) &&
	    mount("cgroup2", "/sys/fs/cgroup", "cgroup2", 0, NULL))
		return false;
	if (!write_file("/sys/fs/cgroup/cgroup.subtree_control", "+pids", 5))
		return false;
	return (!mkdir(CGROUP, 0755) || errno == EEXIST) &&
	       write_file(CGROUP "/pids.max", more, strlen(more));
}

static void fork_in_a_cgroup(int sock)
{
	const struct rlimit limit = { .rlim_cur = 1, .rlim_max = 1 };
	char pid[16];

	(void)sock;
	/* Root is not held to it, and nobody may take it for the reason. */
	if (setrlimit(RLIMIT_NPROC, &limit) ||
	    !write_file(CGROUP "/cgroup.procs", pid, sprintf(pid, "%d", getpid())))
		_exit(126);
	scene->number = fork() < 0 ? errno : 0;
}

TEST_F(member, a_fork_that_a_cgroup_refuses_is_told_as_such)
{
	const struct sshobs_clone_fail *rec;

	if (!make_cgroup("1"))
		SKIP(return, "there is no cgroup of pids");
	play(_metadata, self, fork_in_a_cgroup);
	EXPECT_EQ(EAGAIN, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(EAGAIN, (int)rec->error);
	EXPECT_EQ(1ULL, rec->nproc_soft);
	EXPECT_EQ(SSHOBS_FORK_PIDS, rec->limit);
}

#define FORKS		10
/* What takes a while to copy for a child, and to free where there will be none. */
#define BALLAST		(64UL << 20)

static int slow_forks;

/* One thread forks the slow way, the other one meanwhile as often as it can. */
static void fork_in_a_cgroup_at_once(void)
{
	const bool slow = __atomic_exchange_n(&slow_forks, FORKS, __ATOMIC_SEQ_CST) == 0;
	char pid[16];

	/* It has threads already, for which there would be no room. */
	if (!write_file(CGROUP "/cgroup.procs", pid, sprintf(pid, "%d", getpid())))
		_exit(126);
	while (__atomic_load_n(&slow_forks, __ATOMIC_SEQ_CST)) {
		if (raw_clone(slow ? SIGCHLD : CLONE_VM | CLONE_VFORK | SIGCHLD) >= 0)
			_exit(125);
		if (slow)
			__atomic_fetch_sub(&slow_forks, 1, __ATOMIC_SEQ_CST);
	}
}

static void fork_in_threads(int sock)
{
	char *ballast = malloc(BALLAST);

	memset(ballast, 1, BALLAST);
	scene->conn[conn_of(sock)].threads = 2;
	/* The kernel counts refusals of a cgroup by a timer, too, in the middle of all else. */
	scene->incomplete_or_not = SSHOBS_INCOMPLETE_MISSED;
	at_once(fork_in_a_cgroup_at_once);
	free(ballast);
}

TEST_F(member, forks_of_threads_that_a_cgroup_refuses_are_told_as_nothing_else)
{
	const struct sshobs_clone_fail *rec;
	unsigned int limits[SSHOBS_FORK_SYSTEM + 1] = {};
	size_t i;

	if (!make_cgroup("1"))
		SKIP(return, "there is no cgroup of pids");
	play(_metadata, self, fork_in_threads);
	ASSERT_LT(FORKS, count_of(self, SSHOBS_CLONE_FAIL));
	for (i = 0; i < count_of(self, SSHOBS_CLONE_FAIL); i++) {
		rec = nth(self, SSHOBS_CLONE_FAIL, i);
		ASSERT_GE(SSHOBS_FORK_SYSTEM, rec->limit);
		limits[rec->limit]++;
	}
	/* The rest are not known: the refusal of the other thread overtook theirs. */
	EXPECT_LT(0U, limits[SSHOBS_FORK_PIDS]);
	EXPECT_EQ(0U, limits[SSHOBS_FORK_NPROC]);
	EXPECT_EQ(0U, limits[SSHOBS_FORK_SYSTEM]);
}

#define THREADS_MAX	"/proc/sys/kernel/threads-max"

static void fork_beyond_threads_max(int sock)
{
	char *max = read_file(THREADS_MAX);

	(void)sock;
	/* The least that it may be; and who asks for a fork now has had his. */
	if (!max || !write_file(THREADS_MAX, "20", 2))
		_exit(126);
	scene->number = fork() < 0 ? errno : 0;
	if (!write_file(THREADS_MAX, max, strlen(max)))
		_exit(126);
	free(max);
}

TEST_F(member, a_fork_beyond_the_limits_of_the_system_is_told_as_such)
{
	const struct sshobs_clone_fail *rec;

	play(_metadata, self, fork_beyond_threads_max);
	EXPECT_EQ(EAGAIN, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(SSHOBS_FORK_SYSTEM, rec->limit);
}

/* --- an exec ---------------------------------------------------------------------- */

static void exec_without_room(int sock)
{
	const struct rlimit limit = { .rlim_cur = 64 << 10, .rlim_max = 128 << 10 };

	(void)sock;
	if (!born(0)) {
		me->signal = SIGSEGV;
		setrlimit(RLIMIT_AS, &limit);
		execl("/bin/true", "true", NULL);
		_exit(126);
	}
	wait(NULL);
}

TEST_F(member, an_exec_for_which_there_is_no_room_is_told_with_RLIMIT_AS)
{
	const struct sshobs_exec_fail *rec;
	const struct sshobs_limit *as;
	const struct sshobs_hdr *hdr;

	play(_metadata, self, exec_without_room);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC_FAIL));
	hdr = log_find(&self->log, IN(SSHOBS_EXEC_FAIL, self->session));
	rec = body(hdr);
	EXPECT_TRUE(rec->error == ENOMEM || rec->error == EFAULT);
	EXPECT_EQ(0, memcmp(rec->data, "/bin/true", rec->path_len));
	/* The path and its padding. */
	ASSERT_EQ(sizeof(*rec) + 16 + sizeof(*as), hdr->len - hdr->hdr_len);
	as = (const void *)(rec->data + 16);
	EXPECT_EQ(64ULL << 10, as->soft);
	EXPECT_EQ(128ULL << 10, as->hard);
	EXPECT_LT(0ULL, as->used);
	EXPECT_EQ(0ULL, as->used % 4096);
}

/* --- a terminal ------------------------------------------------------------------- */

#define PTY_MAX		"/proc/sys/kernel/pty/max"

static void open_no_pty(int sock)
{
	char *max = read_file(PTY_MAX);

	(void)sock;
	if (!max || !write_file(PTY_MAX, "0", 1))
		_exit(126);
	scene->number = open("/dev/ptmx", O_RDWR) < 0 ? errno : 0;
	if (!write_file(PTY_MAX, max, strlen(max)))
		_exit(126);
	free(max);
}

TEST_F(member, a_pseudo_terminal_beyond_the_limit_is_told_with_its_error)
{
	const struct sshobs_pty_fail *rec;

	play(_metadata, self, open_no_pty);
	EXPECT_EQ(ENOSPC, scene->number);
	EXPECT_EQ(0U, count_of(self, SSHOBS_PTY));
	ASSERT_EQ(1U, count_of(self, SSHOBS_PTY_FAIL));
	rec = nth(self, SSHOBS_PTY_FAIL, 0);
	EXPECT_EQ(ENOSPC, (int)rec->error);
	EXPECT_EQ(0U, rec->pad);
}

/* --- the end ---------------------------------------------------------------------- */

/* What the exit of a member tells of a limit; NULL: nothing. */
static const struct sshobs_limit *told(FIXTURE_DATA(member) *self, unsigned int n,
				       unsigned int resource)
{
	const struct sshobs_hdr *hdr;
	const struct sshobs_exit *rec;
	unsigned int bit, i = 0;

	hdr = log_find(&self->log, OF(SSHOBS_EXIT, self->session, scene->member[n].pid));
	rec = hdr ? body(hdr) : NULL;
	if (!rec || !(rec->limits & 1U << resource))
		return NULL;
	for (bit = 0; bit < resource; bit++)
		i += rec->limits >> bit & 1;
	return hdr->len - hdr->hdr_len < sizeof(*rec) + (i + 1) * sizeof(rec->limit[0]) ?
		NULL : &rec->limit[i];
}

static void expect_told(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			unsigned int n, unsigned int resource, struct sshobs_limit want)
{
	const struct sshobs_limit *limit = told(self, n, resource);

	ASSERT_NE(NULL, limit) TH_LOG("member %u, limit %u", n, resource);
	EXPECT_EQ(want.soft, limit->soft) TH_LOG("member %u", n);
	EXPECT_EQ(want.hard, limit->hard) TH_LOG("member %u", n);
	EXPECT_EQ(want.used, limit->used) TH_LOG("member %u", n);
}

static __u32 bits_of(FIXTURE_DATA(member) *self, unsigned int n)
{
	const struct sshobs_hdr *hdr;

	hdr = log_find(&self->log, OF(SSHOBS_EXIT, self->session, scene->member[n].pid));
	return hdr ? ((const struct sshobs_exit *)body(hdr))->limits : ~0U;
}

/* A limit, how many descriptors below it are free in the end, and whether that is told. */
static const struct {
	unsigned int	limit;
	unsigned int	free;
	bool		told;
} tables[] = {
	{ 20, 0, true }, { 20, 1, true }, { 20, 2, false }, { 64, 0, true }, { 63, 1, true },
	{ 300, 0, true }, { 300, 1, true }, { 300, 2, false }, { 5000, 0, true }, { 5000, 3, false },
	/* As sshd's sandbox does it. */
	{ 1, 0, false }, { 0, 0, false },
};

static void fill_table(unsigned int i)
{
	const struct rlimit limit = { tables[i].limit, 6000 };
	unsigned int fd;

	/* Beyond the limit some may be open, too. */
	if (dup2(STDERR_FILENO, 5500) < 0 || setrlimit(RLIMIT_NOFILE, &limit))
		leave(126);
	while (dup(STDERR_FILENO) >= 0)
		;
	/* Not the last ones: what was freed first is lowest. */
	for (fd = 0; fd < tables[i].free; fd++)
		close(tables[i].limit / 2 + 2 * fd);
	leave(4);
}

static void fill_tables(int sock)
{
	unsigned int i;

	(void)sock;
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		if (!born(0))
			fill_table(i);
		wait(NULL);
	}
}

TEST_F(member, an_exit_tells_of_RLIMIT_NOFILE_where_at_most_one_descriptor_is_free)
{
	const struct rlimit many = { 6000, 6000 };
	unsigned int i;

	ASSERT_EQ(0, setrlimit(RLIMIT_NOFILE, &many));
	play(_metadata, self, fill_tables);
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		const struct sshobs_limit want = {
			tables[i].limit, 6000, tables[i].limit - tables[i].free,
		};

		EXPECT_EQ(4, scene->member[i + 1].code);
		EXPECT_EQ(tables[i].told ? 1U << RLIMIT_NOFILE : 0, bits_of(self, i + 1))
			TH_LOG("%u free of %u", tables[i].free, tables[i].limit);
		if (tables[i].told)
			expect_told(_metadata, self, i + 1, RLIMIT_NOFILE, want);
	}
	EXPECT_EQ(0U, bits_of(self, 0));
}

#define CROWDED		(NOBODY + 2)

/* Become a user who has a process already, under a limit, and maybe execute something. */
static void become_crowded(unsigned int limit, const char *path)
{
	const struct rlimit nproc = { limit, 7 };

	if (setrlimit(RLIMIT_NPROC, &nproc) || setresuid(CROWDED, CROWDED, CROWDED))
		leave(126);
	if (path) {
		execl(path, path, NULL);
		scene->number = 1000 * scene->number + errno;
	}
	leave(4);
}

static void exec_as_crowded(int sock)
{
	int stay[2];

	(void)sock;
	if (pipe(stay))
		_exit(126);
	if (!born(0)) {
		close(stay[1]);
		if (setresuid(CROWDED, CROWDED, CROWDED))
			leave(126);
		until_closed(stay[0]);
		leave(5);
	}
	/* So that the one is there when the others come. */
	while (scene->members < 2)
		usleep(1000);
	usleep(200000);
	if (!born(0))
		become_crowded(0, "/bin/true");
	wait(NULL);
	if (!born(0))
		become_crowded(7, "/no/such/program");
	wait(NULL);
	close(stay[1]);
	wait(NULL);
}

TEST_F(member, an_exit_tells_of_RLIMIT_NPROC_where_an_exec_was_refused_for_it)
{
	const struct sshobs_limit want = { 0, 7, 2 };

	play(_metadata, self, exec_as_crowded);
	EXPECT_EQ(0U, bits_of(self, 1));
	EXPECT_EQ(1U << RLIMIT_NPROC, bits_of(self, 2));
	expect_told(_metadata, self, 2, RLIMIT_NPROC, want);
	/* The one that was refused has no record; the other has, and is at no limit. */
	EXPECT_EQ(1U, count_of(self, SSHOBS_EXEC_FAIL));
	EXPECT_EQ(1000 * EAGAIN + ENOENT, scene->number);
	EXPECT_EQ(0U, bits_of(self, 3));
}

static void end_with_little_memory(int sock)
{
	const struct rlimit as = { 1 << 30, 1UL << 31 }, data = { 1 << 29, RLIM_INFINITY };
	const struct rlimit nofile = { 10, 10 };

	(void)sock;
	if (!born(0)) {
		if (setrlimit(RLIMIT_AS, &as) || setrlimit(RLIMIT_DATA, &data) ||
		    setrlimit(RLIMIT_NOFILE, &nofile))
			leave(126);
		while (dup(STDERR_FILENO) >= 0)
			;
		leave(4);
	}
	wait(NULL);
}

TEST_F(member, an_exit_tells_of_all_limits_in_the_order_of_their_numbers)
{
	const struct sshobs_limit as = { 1 << 30, 1UL << 31, SSHOBS_UNCOUNTED };
	const struct sshobs_limit data = { 1 << 29, SSHOBS_UNLIMITED, SSHOBS_UNCOUNTED };
	const struct sshobs_limit nofile = { 10, 10, 10 };

	play(_metadata, self, end_with_little_memory);
	EXPECT_EQ(1U << RLIMIT_AS | 1U << RLIMIT_DATA | 1U << RLIMIT_NOFILE, bits_of(self, 1));
	expect_told(_metadata, self, 1, RLIMIT_AS, as);
	expect_told(_metadata, self, 1, RLIMIT_DATA, data);
	expect_told(_metadata, self, 1, RLIMIT_NOFILE, nofile);
}

SELFTEST_MAIN()
