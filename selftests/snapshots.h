/* SPDX-License-Identifier: GPL-2.0 */
/*
 * What the tests of SSHOBS_IOC_SNAPSHOT have in common: a device to ask, and processes that
 * hold still. Included once by a program.
 */
#ifndef _SSHOBS_SELFTESTS_SNAPSHOTS_H
#define _SSHOBS_SELFTESTS_SNAPSHOTS_H

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

#define BUF_SIZE	(1 << 20)

/* An open device, and a buffer that is large enough for anybody but the hoarder. */
FIXTURE(device) {
	int			fd;
	struct sshobs_snapshot	snapshot;
	char			*buf;
};

FIXTURE_SETUP(device)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(BUF_SIZE);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(device)
{
	free(self->buf);
	close(self->fd);
}

/* Return 0 or the errno; the answer is in self->buf, its argument in self->snapshot. */
static inline int ask(FIXTURE_DATA(device) *self, pid_t pid, unsigned int what)
{
	self->snapshot = (struct sshobs_snapshot){
		.pid = pid, .what = what, .buf = (uintptr_t)self->buf, .buf_len = BUF_SIZE,
	};
	return ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot) ? errno : 0;
}

/* --- a child that holds still -------------------------------------------------- */

/* A child plays a part and then waits for its end; it is ready when this returns. */
static inline pid_t start(void (*play)(void))
{
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		play();
		if (write(ready[1], "", 1) != 1)
			_exit(126);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read_byte(ready[0]) != 1)
		pid = -1;
	close(ready[0]);
	if (pid > 0 && !wait_in_syscall(pid, SYS_pause))
		return -1;
	return pid;
}

static inline void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* The child keeps what it inherited. */
static inline void nothing(void)
{
}

/* --- what they look at ------------------------------------------------------------ */

static inline void *shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
}

static inline unsigned int fds_of(pid_t pid)
{
	const struct dirent *entry;
	unsigned int count = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

/* Find a descriptor in the answer; NULL: it is not there, or the answer is broken. */
static inline const struct sshobs_fd *find_fd(FIXTURE_DATA(device) *self, unsigned int fd)
{
	size_t at = 0;

	while (at + sizeof(struct sshobs_fd) <= self->snapshot.len) {
		const struct sshobs_fd *entry = (void *)(self->buf + at);

		if (entry->len < sizeof(*entry) || entry->len % 8 ||
		    at + entry->len > self->snapshot.len)
			return NULL;
		if (entry->fd == fd)
			return entry;
		at += entry->len;
	}
	return NULL;
}

/* An answer that is only bytes, and the file of /proc/PID that has the same ones. */
static inline void expect_same_as_proc(struct __test_metadata *_metadata,
				       FIXTURE_DATA(device) *self, pid_t pid,
				       unsigned int what, const char *name)
{
	char path[64], *text;
	size_t len = 0;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	text = read_bytes(path, &len);
	ASSERT_NE(NULL, text);
	ASSERT_EQ(0, ask(self, pid, what));
	ASSERT_EQ(len, self->snapshot.len) TH_LOG("%s", name);
	EXPECT_EQ(0, memcmp(text, self->buf, len)) TH_LOG("%s", name);
	free(text);
}

/* The part "waiter". */
static inline int play_waiter(int argc, char **argv)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]);

	/* A title over the arguments and the environment, as sshd writes it. */
	if (!strcmp(argv[2], "short")) {
		strcpy(argv[0], "title");
	} else if (!strcmp(argv[2], "long")) {
		memset(argv[0], 't', end - argv[0] + 100);
		end[100] = '\0';
	}
	if (write(STDOUT_FILENO, "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* The program that waits, in an environment of which one variable is long. */
static inline pid_t start_waiter(const char *title, size_t length)
{
	char *variable = malloc(length + 3);
	char *environment[] = { "FIRST=1", variable, "LAST=a b\tc", NULL };
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	memset(variable, 'x', length + 2);
	memcpy(variable, "X=", 2);
	variable[length + 2] = '\0';
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		execle(self_path(), self_path(), "role:waiter", title, "last argument", NULL,
		       environment);
		_exit(127);
	}
	free(variable);
	close(ready[1]);
	if (read_byte(ready[0]) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

#endif /* _SSHOBS_SELFTESTS_SNAPSHOTS_H */
