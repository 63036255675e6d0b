// SPDX-License-Identifier: GPL-2.0
/* SSHOBS_IOC_SNAPSHOT: its argument and its errors, who may call it, and of whom. */
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "snapshots.h"

/* --- the call -------------------------------------------------------------------- */

TEST_F(device, a_buffer_that_is_too_small_is_told_what_is_needed)
{
	const unsigned int parts[] = {
		SSHOBS_SNAPSHOT_TASK, SSHOBS_SNAPSHOT_FDS, SSHOBS_SNAPSHOT_ARGV,
		SSHOBS_SNAPSHOT_ENVIRON,
	};
	pid_t pid = start_waiter("none", 100);
	struct sshobs_snapshot snapshot;
	unsigned int i;
	__u64 need;

	ASSERT_LT(0, pid);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ask(self, pid, parts[i]));
		need = self->snapshot.len;
		ASSERT_LT(0ULL, need);
		snapshot = self->snapshot;
		memset(self->buf, 0x5a, BUF_SIZE);
		snapshot.buf_len = need - 1;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(EOVERFLOW, errno);
		EXPECT_EQ(need, snapshot.len);
		EXPECT_EQ(0x5a, self->buf[need - 1]);
		snapshot.buf_len = need;
		EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(0x5a, self->buf[need]);
		/* No buffer at all is a question for the size. */
		snapshot.buf = 0;
		snapshot.buf_len = 0;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(EOVERFLOW, errno);
		EXPECT_EQ(need, snapshot.len);
	}
	stop(pid);
}

/* What it says to an argument that is not of its own time. */
static int ask_longer(FIXTURE_DATA(device) *self, const void *arg, size_t size)
{
	return ioctl(self->fd, _IOC(_IOC_READ | _IOC_WRITE, SSHOBS_IOC_MAGIC, 0x44, size), arg) ?
		       errno : 0;
}

TEST_F(device, a_longer_argument_is_taken_where_the_rest_is_zero)
{
	struct {
		struct sshobs_snapshot snapshot;
		char rest[4096];
	} longer = { .snapshot = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf = (uintptr_t)self->buf,
		.buf_len = BUF_SIZE,
	} };
	struct sshobs_snapshot before = longer.snapshot;

	longer.rest[4095] = 1;
	EXPECT_EQ(E2BIG, ask_longer(self, &longer, sizeof(longer)));
	EXPECT_EQ(0, memcmp(&before, &longer.snapshot, sizeof(before)));
	longer.rest[4095] = 0;
	EXPECT_EQ(0, ask_longer(self, &longer, sizeof(longer)));
	EXPECT_LT(0ULL, longer.snapshot.len);
	longer.snapshot = before;
	EXPECT_EQ(ENOTTY, ask_longer(self, &longer, sizeof(before) - 8));
	EXPECT_EQ(0, memcmp(&before, &longer.snapshot, sizeof(before)));
}

TEST_F(device, bad_arguments_get_their_errno_and_change_nothing)
{
	struct sshobs_snapshot good = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf = (uintptr_t)self->buf,
		.buf_len = BUF_SIZE,
	};
	struct {
		struct sshobs_snapshot snapshot;
		int error;
	} bad[] = {
		{ good, EINVAL }, { good, EINVAL }, { good, EINVAL }, { good, EINVAL },
		{ good, ESRCH }, { good, ESRCH }, { good, ESRCH }, { good, EFAULT },
		{ good, EFAULT },
	};
	struct sshobs_snapshot before;
	unsigned int i;

	bad[0].snapshot.flags = 1;
	bad[1].snapshot.flags = SSHOBS_SNAPSHOT_CUT;
	bad[2].snapshot.what = 0;
	bad[3].snapshot.what = SSHOBS_SNAPSHOT_EXEC_ENVIRON + 1;
	bad[4].snapshot.pid = 0;
	bad[5].snapshot.pid = ~0U;
	bad[6].snapshot.start_ns = 1;
	bad[7].snapshot.buf = 1;
	bad[8].snapshot.buf = ~0ULL << 16;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		before = bad[i].snapshot;
		errno = 0;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &bad[i].snapshot))
			TH_LOG("argument %u", i);
		EXPECT_EQ(bad[i].error, errno) TH_LOG("argument %u", i);
		EXPECT_EQ(0, memcmp(&before, &bad[i].snapshot, sizeof(before)))
			TH_LOG("argument %u", i);
	}
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &good));
}

TEST_F(device, a_pid_of_another_time_is_another_process)
{
	pid_t pid = start(nothing);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	/* It names the same one as long as it lives, and nobody afterwards. */
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	self->snapshot.start_ns++;
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	EXPECT_EQ(ESRCH, errno);
	self->snapshot.start_ns--;
	stop(pid);
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	EXPECT_EQ(ESRCH, errno);
}

static int wait_as_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

TEST_F(device, a_thread_is_no_process)
{
	static char stack[65536];
	pid_t tid = clone(wait_as_thread, stack + sizeof(stack),
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL);

	ASSERT_LT(0, tid);
	EXPECT_EQ(ESRCH, ask(self, tid, SSHOBS_SNAPSHOT_TASK));
	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ(2U, ((struct sshobs_task_info *)self->buf)->threads);
}

/* --- who may --------------------------------------------------------------------- */

/* What the call says to a child with an open device, that has given up some rights. */
static int ask_in_child(FIXTURE_DATA(device) *self, bool (*give_up)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (!give_up())
			_exit(255);
		_exit(ask(self, getppid(), SSHOBS_SNAPSHOT_TASK));
	}
	status = wait_for(pid);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool all_but_ptrace(void)
{
	return drop_cap(CAP_SYS_PTRACE);
}

static bool all_but_admin(void)
{
	return drop_cap(CAP_SYS_ADMIN);
}

static bool root_of_a_user_namespace(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER);
}

/* With all that a container has of its own, and the node bind-mounted into it. */
static bool root_of_a_container(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					 CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) &&
	       !mount(DEVICE, "/dev/null", NULL, MS_BIND, NULL) &&
	       open("/dev/null", O_RDONLY) < 0 && errno == EPERM;
}

TEST_F(device, a_snapshot_wants_CAP_SYS_PTRACE_in_the_initial_user_namespace)
{
	EXPECT_EQ(0, ask_in_child(self, all_but_admin));
	EXPECT_EQ(EPERM, ask_in_child(self, all_but_ptrace));
	EXPECT_EQ(EPERM, ask_in_child(self, become_nobody));
	EXPECT_EQ(EPERM, ask_in_child(self, root_of_a_user_namespace));
	EXPECT_EQ(EPERM, ask_in_child(self, root_of_a_container));
}

TEST_F(device, a_descriptor_that_was_passed_in_gives_no_right)
{
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		close(self->fd);
		if (!become_nobody())
			_exit(255);
		self->fd = receive_fd(pair[1]);
		_exit(ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	}
	ASSERT_TRUE(send_fd(pair[0], self->fd));
	status = wait_for(pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

/* --- while they move -------------------------------------------------------------- */

#define STORM_TASKS	4
#define STORM_SHOTS	20000

static void storm_files(void)
{
	int fds[32], i;

	for (i = 0; i < 32; i++)
		fds[i] = i % 4 ? dup(STDERR_FILENO) : socket(AF_UNIX, SOCK_STREAM, 0);
	for (i = 0; i < 32; i++)
		close(fds[i]);
}

/* Forks, execs, dups, closes and exits as fast as it can; the pid of the newest is shared. */
static void storm(pid_t *newest)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		pid = fork();
		if (!pid) {
			storm_files();
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		__atomic_store_n(newest, pid, __ATOMIC_RELAXED);
		storm_files();
		waitpid(pid, NULL, 0);
	}
}

TEST_F(device, tasks_that_fork_exec_dup_close_and_exit_give_no_error_but_ESRCH_and_EAGAIN)
{
	pid_t *newest = shared(STORM_TASKS * sizeof(pid_t)), stormers[STORM_TASKS];
	unsigned int found = 0, gone = 0, again = 0, i;

	for (i = 0; i < STORM_TASKS; i++) {
		stormers[i] = fork();
		if (!stormers[i])
			storm(&newest[i]);
	}
	for (i = 0; i < STORM_SHOTS; i++) {
		unsigned int what = 1 + i % 4, who = i / 4 % STORM_TASKS;
		pid_t pid = i % 8 < 4 ? __atomic_load_n(&newest[who], __ATOMIC_RELAXED)
				      : stormers[who];
		int error = pid ? ask(self, pid, what) : ESRCH;

		found += !error;
		gone += error == ESRCH;
		again += error == EAGAIN;
		ASSERT_TRUE(!error || error == ESRCH || error == EAGAIN)
			TH_LOG("errno %d of snapshot %u", error, what);
		if (!error && what == SSHOBS_SNAPSHOT_FDS && self->snapshot.len) {
			ASSERT_NE(NULL, find_fd(self, STDERR_FILENO));
		}
	}
	for (i = 0; i < STORM_TASKS; i++)
		stop(stormers[i]);
	TH_LOG("%u snapshots: %u read, %u gone, %u to be tried again", i = STORM_SHOTS, found, gone,
	       again);
	/* The stormers themselves are always there. */
	EXPECT_LE((unsigned int)STORM_SHOTS / 3, found);
}

SELFTEST_MAIN(
	{ "waiter", play_waiter },
)
