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

/* @undo: gives back to the host what was taken from it, if anything was */
FIXTURE(trial) {
	int		fd;
	const char	*undo;
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
	if (self->undo)
		EXPECT_EQ(0, run_shell(self->undo));
	EXPECT_TRUE(set_switch(KPROBES_SWITCH, '1'));
	close(self->fd);
}

/* What a trial leaves out, and why; everything else that is in place it must have called. */
static const char *const left_out[] = {
	"cgroup_file_notify",	/* a cgroup would have to be made, and to refuse a fork */
	NULL
};

/* Whether one of them is the symbol; there may be none, which is NULL. */
static bool is_one_of(const char *const *symbols, const char *symbol)
{
	for (; symbols && *symbols; symbols++)
		if (!strcmp(*symbols, symbol))
			return true;
	return false;
}

static bool relies_on_kprobes(const struct sshobs_probe *probe)
{
	return !strcmp(probe->kind, "kprobe") || !strcmp(probe->kind, "kretprobe");
}

/*
 * What the last trial found, which was made with kprobes switched on, or off, and on a host that
 * does not let it call those which are out of reach, if any.
 */
static void expect_trial(struct __test_metadata *_metadata, int fd, bool kprobes,
			 const char *const *out_of_reach)
{
	struct sshobs_probe probe = { .index = 0 };
	size_t passed_over = 0;

	for (; !ioctl(fd, SSHOBS_IOC_PROBE, &probe);
	     probe = (struct sshobs_probe){ .index = probe.index + 1 }) {
		bool tried = probe.flags & SSHOBS_PROBE_TRIED;
		bool silent = probe.flags & SSHOBS_PROBE_SILENT;
		bool unneeded = probe.flags & SSHOBS_PROBE_UNNEEDED;
		bool out = is_one_of(left_out, probe.symbol);

		EXPECT_NE(unneeded, !!(probe.flags & SSHOBS_PROBE_ACTIVE))
			TH_LOG("%s", probe.symbol);
		EXPECT_EQ(!unneeded && !out && !is_one_of(out_of_reach, probe.symbol), tried)
			TH_LOG("%s", probe.symbol);
		EXPECT_EQ(tried && !kprobes && relies_on_kprobes(&probe), silent)
			TH_LOG("%s", probe.symbol);
		passed_over += out;
	}
	EXPECT_LT(0U, probe.index);
	EXPECT_EQ(ARRAY_SIZE(left_out) - 1, passed_over);
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
	expect_trial(_metadata, self->fd, true, NULL);
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '0'));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, false, NULL);
	ASSERT_TRUE(set_switch(KPROBES_SWITCH, '1'));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, true, NULL);
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
	expect_trial(_metadata, self->fd, true, NULL);
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
	self->undo = "tc qdisc del dev lo root";
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, true, NULL);
	/* It gives up, and finds no fault with what it could not call. */
	ASSERT_EQ(0, run_shell("tc qdisc change dev lo root netem delay 3s"));
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	EXPECT_FALSE(any_silent(self->fd));
}

#define PORT_RANGE "/proc/sys/net/ipv4/ip_local_port_range"
#define TERMINAL "ptmx_open", "devpts_pty_new", "n_tty_poll", "n_tty_read"
#define CONNECTED "tcp_conn_request", "tcp_finish_connect", "security_sock_graft"
#define SENT "tcp_probe", "tcp_rcv_space_adjust", "tcp_receive_reset", "sock_def_error_report"

/* What a host may lack: how to take it, how to give it back, and what no trial can call then. */
static const struct lack {
	const char	*name;
	const char	*take;
	const char	*give;
	const char	*out_of_reach[12];
} lacks[] = {
	{ "loopback", "ip link set lo down", "ip link set lo up", { CONNECTED, SENT } },
	{ "a port that is not watched", "cat " PORT_RANGE " >/tmp/range; echo 2222 2223 >" PORT_RANGE,
	  "cat /tmp/range >" PORT_RANGE, { "inet_stream_connect", "inet_csk_accept", "tcp_close",
					     "tcp_done_with_error", CONNECTED, SENT } },
	{ "/dev/ptmx", "mv /dev/ptmx /dev/no-ptmx", "mv /dev/no-ptmx /dev/ptmx", { TERMINAL } },
	{ "/dev/ptmx, but a file", "mv /dev/ptmx /dev/no-ptmx; : >/dev/ptmx",
	  "mv /dev/no-ptmx /dev/ptmx", { TERMINAL } },
	{ "/proc", "mount -t tmpfs none /proc", "umount /proc",
	  { "bprm_execve", "alloc_bprm", "sched_process_exec" } },
};

TEST_F(trial, what_the_host_lacks_is_left_untried)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(lacks); i++) {
		TH_LOG("without %s", lacks[i].name);
		ASSERT_EQ(0, close(self->fd));
		ASSERT_EQ(0, run_shell(lacks[i].take));
		self->undo = lacks[i].give;
		EXPECT_EQ(0, module_reload(PORTS));
		self->fd = records_open(O_RDONLY | O_CLOEXEC);
		expect_trial(_metadata, self->fd, true, lacks[i].out_of_reach);
		ASSERT_EQ(0, run_shell(lacks[i].give));
		self->undo = NULL;
	}
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_TRIAL, 0));
	expect_trial(_metadata, self->fd, true, NULL);
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
