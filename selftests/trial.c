// SPDX-License-Identifier: GPL-2.0
/*
 * The hooks are alive, or it is told which are not: a trial calls what is hooked, finds what
 * does not fire, and leaves the host as it was.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <unistd.h>

#include "lib.h"
#include "checks.h"

#define KPROBES_SWITCH	"/sys/kernel/debug/kprobes/enabled"
#define TRACING		"/sys/kernel/tracing"

/* @slow: the loopback device was made slow */
FIXTURE(trial) {
	int	fd;
	bool	slow;
};

FIXTURE_SETUP(trial)
{
	clean_start();
	mount("none", "/sys/kernel/debug", "debugfs", 0, NULL);
	mount("none", TRACING, "tracefs", 0, NULL);
	ASSERT_EQ(0, module_reload(PORTS));
	self->fd = records_open(O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
}

FIXTURE_TEARDOWN(trial)
{
	if (self->slow)
		EXPECT_EQ(0, run_shell("tc qdisc del dev lo root"));
	EXPECT_TRUE(set_switch(KPROBES_SWITCH, '1'));
	close(self->fd);
}

/* What a trial leaves out, and why; everything else that is in place it must have called. */
static const char *const left_out[] = {
	"cgroup_file_notify",	/* a cgroup would have to be made, and to refuse a fork */
};

static bool is_left_out(const struct sshobs_probe *probe)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(left_out); i++)
		if (!strcmp(probe->symbol, left_out[i]))
			return true;
	return false;
}

static bool relies_on_kprobes(const struct sshobs_probe *probe)
{
	return !strcmp(probe->kind, "kprobe") || !strcmp(probe->kind, "kretprobe");
}

/* What the last trial found, which was made with kprobes switched on, or off. */
static void expect_trial(struct __test_metadata *_metadata, int fd, bool kprobes)
{
	struct sshobs_probe probe = { .index = 0 };
	size_t passed_over = 0;

	for (; !ioctl(fd, SSHOBS_IOC_PROBE, &probe);
	     probe = (struct sshobs_probe){ .index = probe.index + 1 }) {
		bool tried = probe.flags & SSHOBS_PROBE_TRIED;
		bool silent = probe.flags & SSHOBS_PROBE_SILENT;
		bool unneeded = probe.flags & SSHOBS_PROBE_UNNEEDED;

		EXPECT_NE(unneeded, !!(probe.flags & SSHOBS_PROBE_ACTIVE))
			TH_LOG("%s", probe.symbol);
		EXPECT_EQ(!unneeded && !is_left_out(&probe), tried) TH_LOG("%s", probe.symbol);
		EXPECT_EQ(tried && !kprobes && relies_on_kprobes(&probe), silent)
			TH_LOG("%s", probe.symbol);
		passed_over += is_left_out(&probe);
	}
	EXPECT_LT(0U, probe.index);
	EXPECT_EQ(ARRAY_SIZE(left_out), passed_over);
}

TEST_F(trial, probes_that_are_switched_off_keep_it_from_loading)
{
	ASSERT_EQ(0, close(self->fd));
	ASSERT_EQ(0, module_unload());
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '0'));
	EXPECT_EQ(-ENXIO, module_load(PORTS));
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '1'));
	EXPECT_EQ(0, module_load(PORTS));
}

TEST_F(trial, a_trial_finds_probes_that_were_switched_off_since)
{
	struct sshobs_stats before, after;

	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &before));
	expect_trial(_metadata, self->fd, true);
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '0'));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, false);
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '1'));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, true);
	/* It leaves no record, and nobody who is followed. */
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &after));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_TRIAL, 1));
	EXPECT_EQ(EINVAL, errno);
}

TEST_F(trial, a_trial_calls_the_same_for_whom_sees_no_file_of_the_host)
{
	pid_t pid = fork();

	if (!pid)
		_exit(chroot("/proc/self/fdinfo") || ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	EXPECT_EQ(0, wait_for(pid));
	expect_trial(_metadata, self->fd, true);
}

static bool any_silent(int fd)
{
	struct sshobs_probe probe = { .index = 0 };

	while (!ioctl(fd, SSHOBS_IOC_PROBE, &probe)) {
		if (probe.flags & SSHOBS_PROBE_SILENT)
			return true;
		probe = (struct sshobs_probe){ .index = probe.index + 1 };
	}
	return false;
}

TEST_F(trial, a_trial_waits_for_a_slow_network)
{
	ASSERT_EQ(0, run_shell("tc qdisc add dev lo root netem delay 100ms"));
	self->slow = true;
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, true);
	/* It gives up, and finds no fault with what it could not call. */
	ASSERT_EQ(0, run_shell("tc qdisc change dev lo root netem delay 3s"));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	EXPECT_FALSE(any_silent(self->fd));
}

/* Have the kernel note what is called "exe", as who executes /proc/1/exe is: execs, system calls. */
static bool watch_helpers(bool on)
{
	static const char filter[] = "comm == \"exe\"";
	static const char calls[] = TRACING "/events/raw_syscalls/sys_enter/";
	char path[sizeof(calls) + sizeof("enable")];

	snprintf(path, sizeof(path), "%sfilter", calls);
	if (on && (!write_file(path, filter, strlen(filter)) ||
		   !set_switch(TRACING "/trace", '\n')))
		return false;
	snprintf(path, sizeof(path), "%senable", calls);
	return set_switch(path, on ? '1' : '0') &&
	       set_switch(TRACING "/events/sched/sched_process_exec/enable", on ? '1' : '0');
}

TEST_F(trial, the_program_that_a_trial_executes_does_nothing_and_is_gone)
{
	static const char exec[] = "filename=/proc/1/exe pid=";
	char *seen, *at, *terminals, *terminals_after;

	if (access(TRACING "/events/raw_syscalls", F_OK))
		SKIP(return, "this kernel traces no system calls");
	terminals = read_file("/proc/sys/kernel/pty/nr");
	ASSERT_TRUE(watch_helpers(true));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	terminals_after = read_file("/proc/sys/kernel/pty/nr");
	EXPECT_STREQ(terminals, terminals_after);
	seen = read_file(TRACING "/trace");
	ASSERT_TRUE(watch_helpers(false));
	ASSERT_NE(NULL, seen);
	at = strstr(seen, exec);
	ASSERT_NE(NULL, at) TH_LOG("%s", seen);
	EXPECT_EQ(-1, kill(atoi(at + strlen(exec)), 0));
	EXPECT_EQ(ESRCH, errno);
	EXPECT_EQ(NULL, strstr(seen, "sys_enter")) TH_LOG("%s", seen);
	free(terminals);
	free(terminals_after);
	free(seen);
}

SELFTEST_MAIN()
