// SPDX-License-Identifier: GPL-2.0
/* The interface itself: layout, parameters, probes, counters, and what no answer may hold. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "device.h"

/* --- layout ----------------------------------------------------------------- */

/* What stands never changes: these numbers are the contract, not the compiler's. */
#define SIZE(type, size) { #type, sizeof(struct type), size }
#define AT(type, member, offset) { #type "." #member, offsetof(struct type, member), offset }

struct layout {
	const char	*name;
	size_t		is, must_be;
};

/* Volatile: the compiler knows that all is well, and warns of what would be otherwise. */
static const volatile struct layout layout[] = {
	SIZE(sshobs_hdr, 80),
	AT(sshobs_hdr, len, 0), AT(sshobs_hdr, hdr_len, 4), AT(sshobs_hdr, type, 6),
	AT(sshobs_hdr, seq, 8), AT(sshobs_hdr, time_ns, 16), AT(sshobs_hdr, session, 24),
	AT(sshobs_hdr, session_seq, 32), AT(sshobs_hdr, pid, 40), AT(sshobs_hdr, tid, 44),
	AT(sshobs_hdr, cpu_ns, 48), AT(sshobs_hdr, comm, 56),
	AT(sshobs_hdr, run_delay_ns, 72),
	SIZE(sshobs_endpoint, 24),
	AT(sshobs_endpoint, addr, 0), AT(sshobs_endpoint, family, 16),
	AT(sshobs_endpoint, port, 18), AT(sshobs_endpoint, scope_id, 20),
	SIZE(sshobs_accept, 80),
	AT(sshobs_accept, peer, 0), AT(sshobs_accept, local, 24), AT(sshobs_accept, cookie, 48),
	AT(sshobs_accept, start_ns, 56), AT(sshobs_accept, backlog, 64),
	AT(sshobs_accept, queue_ns, 72),
	SIZE(sshobs_clone, 24),
	AT(sshobs_clone, flags, 0), AT(sshobs_clone, start_ns, 8), AT(sshobs_clone, child, 16),
	AT(sshobs_clone, how, 20),
	SIZE(sshobs_clone_fail, 40),
	AT(sshobs_clone_fail, nproc_soft, 0), AT(sshobs_clone_fail, nproc_hard, 8),
	AT(sshobs_clone_fail, nproc_used, 16), AT(sshobs_clone_fail, error, 24),
	AT(sshobs_clone_fail, limit, 32),
	SIZE(sshobs_pty_fail, 8), AT(sshobs_pty_fail, error, 0),
	SIZE(sshobs_exec, 40),
	AT(sshobs_exec, uid, 0), AT(sshobs_exec, flags, 4), AT(sshobs_exec, tty, 8),
	AT(sshobs_exec, path_len, 24), AT(sshobs_exec, path_total, 28),
	AT(sshobs_exec, argv_len, 32), AT(sshobs_exec, argv_total, 36), AT(sshobs_exec, data, 40),
	SIZE(sshobs_exec_fail, 16),
	AT(sshobs_exec_fail, error, 0), AT(sshobs_exec_fail, path_len, 4),
	AT(sshobs_exec_fail, path_total, 8), AT(sshobs_exec_fail, data, 16),
	SIZE(sshobs_ids, 24),
	AT(sshobs_ids, uid, 0), AT(sshobs_ids, euid, 4), AT(sshobs_ids, suid, 8),
	AT(sshobs_ids, gid, 12), AT(sshobs_ids, cap_eff, 16),
	SIZE(sshobs_cred, 48),
	AT(sshobs_cred, before, 0), AT(sshobs_cred, after, 24),
	SIZE(sshobs_pty, 8), AT(sshobs_pty, pts, 0),
	SIZE(sshobs_exit, 40),
	AT(sshobs_exit, code, 0), AT(sshobs_exit, signal, 4), AT(sshobs_exit, utime_ns, 8),
	AT(sshobs_exit, stime_ns, 16), AT(sshobs_exit, maxrss_kb, 24),
	AT(sshobs_exit, limits, 32), AT(sshobs_exit, pad, 36), AT(sshobs_exit, limit, 40),
	SIZE(sshobs_close, 80),
	AT(sshobs_close, peer, 0), AT(sshobs_close, local, 24),
	AT(sshobs_close, bytes_received, 48), AT(sshobs_close, bytes_sent, 56),
	AT(sshobs_close, srtt_us, 64), AT(sshobs_close, retransmits, 68),
	AT(sshobs_close, flags, 72),
	SIZE(sshobs_end, 24),
	AT(sshobs_end, duration_ns, 0), AT(sshobs_end, processes, 8), AT(sshobs_end, execs, 12),
	AT(sshobs_end, flags, 16), AT(sshobs_end, incomplete, 20),
	SIZE(sshobs_mark, 8), AT(sshobs_mark, text_len, 0), AT(sshobs_mark, text, 8),
	SIZE(sshobs_lost, 8), AT(sshobs_lost, count, 0),
	SIZE(sshobs_syn, 72),
	AT(sshobs_syn, peer, 0), AT(sshobs_syn, local, 24), AT(sshobs_syn, peer_isn, 48),
	AT(sshobs_syn, window, 52), AT(sshobs_syn, backlog, 56), AT(sshobs_syn, backlog_max, 60),
	AT(sshobs_syn, suppressed, 64),
	SIZE(sshobs_established, 104),
	AT(sshobs_established, peer, 0), AT(sshobs_established, local, 24),
	AT(sshobs_established, syn_ns, 48), AT(sshobs_established, synack_ns, 56),
	AT(sshobs_established, established_ns, 64), AT(sshobs_established, peer_isn, 72),
	AT(sshobs_established, local_isn, 76), AT(sshobs_established, rtt_us, 80),
	AT(sshobs_established, syns, 84), AT(sshobs_established, syns_dropped, 88),
	AT(sshobs_established, backlog, 92), AT(sshobs_established, backlog_max, 96),
	SIZE(sshobs_wire, 32),
	AT(sshobs_wire, offset, 0), AT(sshobs_wire, net_ns, 8), AT(sshobs_wire, at, 16),
	AT(sshobs_wire, message_len, 20), AT(sshobs_wire, data_len, 24),
	AT(sshobs_wire, direction, 28), AT(sshobs_wire, message, 29), AT(sshobs_wire, flags, 30),
	AT(sshobs_wire, data, 32),
	SIZE(sshobs_log, 16),
	AT(sshobs_log, priority, 0), AT(sshobs_log, text_len, 4), AT(sshobs_log, text_total, 8),
	AT(sshobs_log, text, 16),
	SIZE(sshobs_connect, 48),
	AT(sshobs_connect, peer, 0), AT(sshobs_connect, duration_ns, 24),
	AT(sshobs_connect, error, 32), AT(sshobs_connect, flags, 36),
	AT(sshobs_connect, path_len, 40), AT(sshobs_connect, protocol, 44),
	AT(sshobs_connect, path, 48),
	SIZE(sshobs_reading, 88),
	AT(sshobs_reading, prompt_ns, 0), AT(sshobs_reading, rss_kb, 8),
	AT(sshobs_reading, vm_kb, 16), AT(sshobs_reading, fds, 24),
	AT(sshobs_reading, fds_soft, 32), AT(sshobs_reading, fds_hard, 40),
	AT(sshobs_reading, ids, 48), AT(sshobs_reading, pts, 72),
	AT(sshobs_reading, threads, 76), AT(sshobs_reading, flags, 80),
	AT(sshobs_reading, state, 84),
	SIZE(sshobs_snapshot, 40),
	AT(sshobs_snapshot, pid, 0), AT(sshobs_snapshot, what, 4),
	AT(sshobs_snapshot, start_ns, 8), AT(sshobs_snapshot, buf, 16),
	AT(sshobs_snapshot, buf_len, 24), AT(sshobs_snapshot, flags, 28),
	AT(sshobs_snapshot, len, 32),
	SIZE(sshobs_limit, 24),
	AT(sshobs_limit, soft, 0), AT(sshobs_limit, hard, 8), AT(sshobs_limit, used, 16),
	SIZE(sshobs_task_info, 648),
	AT(sshobs_task_info, len, 0), AT(sshobs_task_info, exe_len, 4),
	AT(sshobs_task_info, start_ns, 8), AT(sshobs_task_info, start_boot_ns, 16),
	AT(sshobs_task_info, session, 24), AT(sshobs_task_info, utime_ns, 32),
	AT(sshobs_task_info, stime_ns, 40), AT(sshobs_task_info, voluntary_switches, 48),
	AT(sshobs_task_info, nonvoluntary_switches, 56), AT(sshobs_task_info, vm_kb, 64),
	AT(sshobs_task_info, vm_peak_kb, 72), AT(sshobs_task_info, rss_kb, 80),
	AT(sshobs_task_info, rss_peak_kb, 88), AT(sshobs_task_info, swap_kb, 96),
	AT(sshobs_task_info, locked_kb, 104), AT(sshobs_task_info, cap_inh, 112),
	AT(sshobs_task_info, cap_prm, 120), AT(sshobs_task_info, cap_eff, 128),
	AT(sshobs_task_info, cap_bnd, 136), AT(sshobs_task_info, cap_amb, 144),
	AT(sshobs_task_info, pid, 152), AT(sshobs_task_info, ppid, 156),
	AT(sshobs_task_info, pgid, 160), AT(sshobs_task_info, sid, 164),
	AT(sshobs_task_info, tracer, 168), AT(sshobs_task_info, threads, 172),
	AT(sshobs_task_info, uid, 176), AT(sshobs_task_info, euid, 180),
	AT(sshobs_task_info, suid, 184), AT(sshobs_task_info, fsuid, 188),
	AT(sshobs_task_info, gid, 192), AT(sshobs_task_info, egid, 196),
	AT(sshobs_task_info, sgid, 200), AT(sshobs_task_info, fsgid, 204),
	AT(sshobs_task_info, loginuid, 208), AT(sshobs_task_info, audit_session, 212),
	AT(sshobs_task_info, seccomp, 216), AT(sshobs_task_info, no_new_privs, 220),
	AT(sshobs_task_info, state, 224), AT(sshobs_task_info, comm, 232),
	AT(sshobs_task_info, tty, 248), AT(sshobs_task_info, limits, 264),
	AT(sshobs_task_info, exe, 648),
	SIZE(sshobs_fd, 136),
	AT(sshobs_fd, len, 0), AT(sshobs_fd, fd, 4), AT(sshobs_fd, kind, 8),
	AT(sshobs_fd, mode, 12), AT(sshobs_fd, flags, 16), AT(sshobs_fd, dev, 20),
	AT(sshobs_fd, rdev, 24), AT(sshobs_fd, pts, 28), AT(sshobs_fd, ino, 32),
	AT(sshobs_fd, pos, 40), AT(sshobs_fd, family, 48), AT(sshobs_fd, type, 50),
	AT(sshobs_fd, protocol, 52), AT(sshobs_fd, state, 54), AT(sshobs_fd, path_len, 56),
	AT(sshobs_fd, local_name_len, 60), AT(sshobs_fd, peer_name_len, 64),
	AT(sshobs_fd, tcp_info_len, 68), AT(sshobs_fd, peer_ino, 72), AT(sshobs_fd, cookie, 80),
	AT(sshobs_fd, local, 88), AT(sshobs_fd, peer, 112), AT(sshobs_fd, data, 136),
	SIZE(sshobs_info, 32),
	AT(sshobs_info, abi, 0), AT(sshobs_info, format, 4),
	AT(sshobs_info, realtime_offset_ns, 8), AT(sshobs_info, next_seq, 16),
	AT(sshobs_info, oldest_seq, 24),
	SIZE(sshobs_stats, 120),
	AT(sshobs_stats, written, 0), AT(sshobs_stats, dropped, 8),
	AT(sshobs_stats, overwritten, 16), AT(sshobs_stats, ring_bytes, 24),
	AT(sshobs_stats, readers, 32), AT(sshobs_stats, sessions, 40),
	AT(sshobs_stats, sessions_total, 48), AT(sshobs_stats, sessions_untracked, 56),
	AT(sshobs_stats, tasks, 64), AT(sshobs_stats, tasks_total, 72),
	AT(sshobs_stats, tasks_untracked, 80), AT(sshobs_stats, unwatched, 88),
	AT(sshobs_stats, missed, 96), AT(sshobs_stats, syns, 104),
	AT(sshobs_stats, syns_suppressed, 112),
	SIZE(sshobs_probe, 88),
	AT(sshobs_probe, index, 0), AT(sshobs_probe, flags, 4), AT(sshobs_probe, hits, 8),
	AT(sshobs_probe, misses, 16), AT(sshobs_probe, kind, 24), AT(sshobs_probe, symbol, 40),
};

TEST(structs_have_the_sizes_and_offsets_that_they_had)
{
	const volatile struct layout *at;

	for (at = layout; at < layout + ARRAY_SIZE(layout); at++) {
		EXPECT_EQ(at->must_be, at->is) TH_LOG("%s", at->name);
	}
}

TEST(ioctls_have_the_numbers_that_they_had)
{
	EXPECT_EQ(0x8020b540U, SSHOBS_IOC_INFO);
	EXPECT_EQ(0x4004b541U, SSHOBS_IOC_SET_FORMAT);
	EXPECT_EQ(0x8078b542U, SSHOBS_IOC_STATS);
	EXPECT_EQ(0xc058b543U, SSHOBS_IOC_PROBE);
	EXPECT_EQ(0xc028b544U, SSHOBS_IOC_SNAPSHOT);
	EXPECT_EQ(0xb545U, SSHOBS_IOC_TRIAL);
}

TEST(types_have_the_numbers_that_they_had)
{
	static const unsigned int types[] = {
		SSHOBS_ACCEPT, SSHOBS_CLONE, SSHOBS_CLONE_FAIL, SSHOBS_EXEC, SSHOBS_EXEC_FAIL,
		SSHOBS_CRED, SSHOBS_PTY, SSHOBS_PROMPT, SSHOBS_EXIT, SSHOBS_CLOSE, SSHOBS_END,
		SSHOBS_ADOPT, SSHOBS_MARK, SSHOBS_LOST, SSHOBS_SYN, SSHOBS_ESTABLISHED,
		SSHOBS_WIRE, SSHOBS_LOG, SSHOBS_CONNECT, SSHOBS_READING, SSHOBS_PTY_FAIL,
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		EXPECT_EQ(i + 1, types[i]);
	}
	EXPECT_EQ(8448, SSHOBS_RECORD_MAX);
}

/* --- parameters ------------------------------------------------------------- */

static void expect_parameter(struct __test_metadata *_metadata, const char *name,
			     const char *value)
{
	char path[128], *text;
	struct stat stat_buf;

	snprintf(path, sizeof(path), "/sys/module/sshobs/parameters/%s", name);
	ASSERT_EQ(0, stat(path, &stat_buf));
	EXPECT_EQ(0444U, stat_buf.st_mode & 0777) TH_LOG("%s", name);
	text = read_file(path);
	ASSERT_NE(NULL, text);
	EXPECT_STREQ(value, text) TH_LOG("%s", name);
	free(text);
}

FIXTURE(parameters) {
};

FIXTURE_SETUP(parameters)
{
	clean_start();
}

FIXTURE_TEARDOWN(parameters)
{
}

TEST_F(parameters, defaults_are_those_of_the_documentation)
{
	ASSERT_EQ(0, module_want(""));
	expect_parameter(_metadata, "ports", "22\n");
	expect_parameter(_metadata, "ring_kb", "4096\n");
	expect_parameter(_metadata, "max_sessions", "4096\n");
	expect_parameter(_metadata, "max_tasks", "65536\n");
}

TEST_F(parameters, values_that_were_given_are_shown)
{
	ASSERT_EQ(0, module_want("ports=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,65535"
				 " ring_kb=128 max_sessions=1 max_tasks=7"));
	expect_parameter(_metadata, "ports", "1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,65535\n");
	expect_parameter(_metadata, "ring_kb", "128\n");
	expect_parameter(_metadata, "max_sessions", "1\n");
	expect_parameter(_metadata, "max_tasks", "7\n");
}

TEST_F(parameters, a_ring_size_between_two_powers_of_two_is_rounded_up)
{
	struct sshobs_stats stats;
	int fd;

	ASSERT_EQ(0, module_want("ring_kb=65"));
	fd = records_open(0);
	ASSERT_EQ(0, ioctl(fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_EQ(128ULL * 1024, stats.ring_bytes);
	close(fd);
}

TEST_F(parameters, bad_values_are_refused_and_nothing_is_loaded)
{
	static const char *const bad[] = {
		"ports=0", "ports=65536", "ports=-1", "ports=22,0", "ports=ssh", "ports=22,",
		"ports=1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17", "ports", "ports=",
		"ring_kb=0", "ring_kb=1", "ring_kb=63", "ring_kb=-1", "ring_kb=4294967295",
		"ring_kb=1048577", "ring_kb=4k", "ring_kb=",
		"max_sessions=0", "max_sessions=1048577", "max_sessions=-1",
		"max_tasks=0", "max_tasks=4194305", "max_tasks=-1",
	};
	size_t i;
	int err;

	if (module_loaded()) {
		ASSERT_EQ(0, module_unload());
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		err = module_load(bad[i]);
		/* The kernel's own parser says ERANGE to some numbers. */
		EXPECT_TRUE(err == -EINVAL || err == -ERANGE) TH_LOG("%s: %d", bad[i], err);
		EXPECT_FALSE(module_loaded()) TH_LOG("%s", bad[i]);
		EXPECT_EQ(-1, access(DEVICE, F_OK));
	}
	ASSERT_EQ(0, module_load(PORTS));
	EXPECT_EQ(0, module_unload());
}

TEST_F(parameters, loading_and_unloading_over_and_over_leaves_nothing)
{
	int i;

	ASSERT_EQ(0, module_want(PORTS));
	for (i = 0; i < 5; i++) {
		ASSERT_EQ(0, module_unload());
		EXPECT_FALSE(module_loaded());
		ASSERT_EQ(0, module_load(PORTS));
		EXPECT_EQ(-EEXIST, module_load(PORTS));
	}
	ASSERT_EQ(0, module_unload());
}

/* --- probes ----------------------------------------------------------------- */

/* One login of a kind: a connection, a child, a terminal, a program, the end. */
static void a_login(struct __test_metadata *_metadata)
{
	int listener = listen_on(AF_INET, PORT), client, sock, pty;
	pid_t pid;

	ASSERT_LE(0, listener);
	client = connect_to(AF_INET, PORT, NULL);
	ASSERT_LE(0, client);
	sock = accept(listener, NULL, NULL);
	pid = fork();
	if (!pid) {
		pty = posix_openpt(O_RDWR | O_NOCTTY);
		if (pty < 0 || setresuid(NOBODY, NOBODY, NOBODY))
			_exit(1);
		execl("/no/such/program", "program", NULL);
		execl("/bin/true", "true", NULL);
		_exit(127);
	}
	close(sock);
	close(listener);
	ASSERT_EQ(0, wait_for(pid));
	close(client);
}

TEST_F(device, every_core_probe_is_active_and_counts_its_hits)
{
	struct sshobs_probe before[PROBES_MAX], after[PROBES_MAX];
	static const char *const core[] = {
		"inet_csk_accept", "kernel_clone", "bprm_execve", "devpts_pty_new",
	};
	size_t count, i, k;

	count = probes_read(self->fd, before);
	ASSERT_LT(3U, count);
	ASSERT_GT((size_t)PROBES_MAX, count);
	a_login(_metadata);
	ASSERT_EQ(count, probes_read(self->fd, after));
	for (i = 0; i < count; i++) {
		const char *name = after[i].symbol;

		EXPECT_EQ(i, after[i].index);
		EXPECT_EQ(0ULL, after[i].misses) TH_LOG("%s", name);
		EXPECT_EQ(0U, after[i].flags & ~(SSHOBS_PROBE_ACTIVE | SSHOBS_PROBE_CORE |
						 SSHOBS_PROBE_UNNEEDED | SSHOBS_PROBE_TRIED));
		/* In place, or left out for a reason. */
		EXPECT_NE(!(after[i].flags & SSHOBS_PROBE_ACTIVE),
			  !(after[i].flags & SSHOBS_PROBE_UNNEEDED)) TH_LOG("%s", name);
		EXPECT_NE(0, strlen(after[i].kind)) TH_LOG("%s", name);
		EXPECT_EQ(0, after[i].symbol[sizeof(after[i].symbol) - 1]);
		if (!(after[i].flags & SSHOBS_PROBE_CORE))
			continue;
		EXPECT_TRUE(after[i].flags & SSHOBS_PROBE_ACTIVE) TH_LOG("%s", name);
		EXPECT_LT(before[i].hits, after[i].hits) TH_LOG("%s", name);
	}
	for (k = 0; k < ARRAY_SIZE(core); k++) {
		for (i = 0; i < count && strcmp(core[k], after[i].symbol); i++)
			;
		ASSERT_LT(i, count) TH_LOG("no probe %s", core[k]);
		EXPECT_TRUE(after[i].flags & SSHOBS_PROBE_CORE) TH_LOG("%s", core[k]);
	}
}

TEST_F(device, the_counters_tell_of_a_login)
{
	struct sshobs_stats stats;

	a_login(_metadata);
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &stats));
	EXPECT_LT(self->stats.written + 7, stats.written);
	EXPECT_EQ(self->stats.sessions_total + 1, stats.sessions_total);
	EXPECT_EQ(self->stats.sessions, stats.sessions);
	EXPECT_LE(self->stats.tasks_total + 1, stats.tasks_total);
	EXPECT_EQ(0ULL, stats.sessions_untracked);
	EXPECT_EQ(0ULL, stats.tasks_untracked);
	EXPECT_EQ(0ULL, stats.missed);
	EXPECT_EQ(0ULL, stats.dropped);
	EXPECT_EQ(1ULL, stats.readers);
	EXPECT_EQ(4096ULL * 1024, stats.ring_bytes);
}

/* --- nothing of the kernel's inside ----------------------------------------- */

/* An address of the upper half; SSHOBS_UNLIMITED and errors as __s64 are none. */
static bool is_kernel_address(__u64 word)
{
	return word >= 0xffff800000000000 && word < 0xffffffffffff0000;
}

static void expect_no_address(struct __test_metadata *_metadata, const char *what,
			      const void *bytes, size_t len)
{
	const char *at = bytes;
	size_t i;
	__u64 word;

	/* Every field of 8 bytes is aligned to them. */
	for (i = 0; i + sizeof(word) <= len; i += sizeof(word)) {
		memcpy(&word, at + i, sizeof(word));
		EXPECT_FALSE(is_kernel_address(word)) TH_LOG("%s, byte %zu: %llx", what, i, word);
	}
}

TEST_F(device, no_record_and_no_ioctl_holds_a_kernel_address)
{
	struct sshobs_probe probes[PROBES_MAX];
	struct sshobs_stats stats;
	struct sshobs_info info;
	struct log log = { .fd = records_open(O_NONBLOCK) };
	size_t count, i;

	a_login(_metadata);
	while (log_more(&log, 0))
		;
	ASSERT_LT(7U, log.count);
	for (i = 0; i < log.count; i++)
		expect_no_address(_metadata, sshobs_type_name(log.recs[i]->type), log.recs[i],
				  log.recs[i]->len);
	log_close(&log);

	count = probes_read(self->fd, probes);
	for (i = 0; i < count; i++)
		expect_no_address(_metadata, "probe", &probes[i], sizeof(probes[i]));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_STATS, &stats));
	expect_no_address(_metadata, "stats", &stats, sizeof(stats));
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_INFO, &info));
	expect_no_address(_metadata, "info", &info, sizeof(info));
}

/* As %px would print it. */
static bool holds_address(const char *text)
{
	while ((text = strstr(text, "ffff"))) {
		if (strspn(text, "0123456789abcdef") >= 16)
			return true;
		text++;
	}
	return false;
}

TEST_F(device, no_line_holds_a_kernel_address)
{
	int fd = open(DEVICE, O_RDONLY | O_NONBLOCK);
	static char text[1 << 20];
	ssize_t len;

	a_login(_metadata);
	while ((len = read(fd, text, sizeof(text) - 1)) > 0) {
		text[len] = '\0';
		EXPECT_FALSE(holds_address(text)) TH_LOG("%s", text);
	}
	close(fd);
}

/* Bytes of a record that mean something; what follows is padding. */
static size_t used_len(const struct sshobs_hdr *hdr)
{
	const void *at = body(hdr);

	switch (hdr->type) {
	case SSHOBS_EXEC:
		return offsetof(struct sshobs_exec, data) +
		       ((const struct sshobs_exec *)at)->path_len +
		       ((const struct sshobs_exec *)at)->argv_len;
	case SSHOBS_EXEC_FAIL:
		return offsetof(struct sshobs_exec_fail, data) +
		       ((const struct sshobs_exec_fail *)at)->path_len;
	case SSHOBS_MARK:
		return offsetof(struct sshobs_mark, text) +
		       ((const struct sshobs_mark *)at)->text_len;
	case SSHOBS_WIRE:
		return offsetof(struct sshobs_wire, data) +
		       ((const struct sshobs_wire *)at)->data_len;
	case SSHOBS_LOG:
		return offsetof(struct sshobs_log, text) +
		       ((const struct sshobs_log *)at)->text_len;
	case SSHOBS_CONNECT:
		return offsetof(struct sshobs_connect, path) +
		       ((const struct sshobs_connect *)at)->path_len;
	default:
		return hdr->len - hdr->hdr_len;
	}
}

TEST_F(device, padding_is_zero_and_lengths_are_those_of_the_types)
{
	static const size_t sizes[] = {
		[SSHOBS_ACCEPT] = sizeof(struct sshobs_accept),
		[SSHOBS_CLONE] = sizeof(struct sshobs_clone),
		[SSHOBS_CRED] = sizeof(struct sshobs_cred),
		[SSHOBS_PTY] = sizeof(struct sshobs_pty),
		[SSHOBS_EXIT] = sizeof(struct sshobs_exit),
		[SSHOBS_CLOSE] = sizeof(struct sshobs_close),
		[SSHOBS_END] = sizeof(struct sshobs_end),
		[SSHOBS_SYN] = sizeof(struct sshobs_syn),
		[SSHOBS_ESTABLISHED] = sizeof(struct sshobs_established),
	};
	struct log log = { .fd = records_open(O_NONBLOCK) };
	size_t i, k, used, seen = 0;

	/* So that the records do not land in a ring that was never written to. */
	a_login(_metadata);
	mark("\1\2\3\4\5", 5);
	while (log_more(&log, 0))
		;
	for (i = 0; i < log.count; i++) {
		const struct sshobs_hdr *hdr = log.recs[i];
		const char *at = body(hdr);

		EXPECT_EQ(sizeof(*hdr), hdr->hdr_len);
		EXPECT_EQ(0U, hdr->len % 8);
		used = used_len(hdr);
		if (hdr->type < ARRAY_SIZE(sizes) && sizes[hdr->type]) {
			EXPECT_EQ(sizes[hdr->type], hdr->len - hdr->hdr_len)
				TH_LOG("%s", sshobs_type_name(hdr->type));
			seen |= 1UL << hdr->type;
		}
		EXPECT_GT(8U, hdr->len - hdr->hdr_len - used) TH_LOG("%s", sshobs_type_name(hdr->type));
		for (k = used; k < hdr->len - hdr->hdr_len; k++) {
			EXPECT_EQ(0, at[k]) TH_LOG("%s", sshobs_type_name(hdr->type));
		}
		/* comm is padded up to its end. */
		for (k = strnlen(hdr->comm, sizeof(hdr->comm)); k < sizeof(hdr->comm); k++) {
			EXPECT_EQ(0, hdr->comm[k]);
		}
		if (hdr->type == SSHOBS_ACCEPT) {
			EXPECT_EQ(0U, ((const struct sshobs_accept *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_SYN) {
			EXPECT_EQ(0U, ((const struct sshobs_syn *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_ESTABLISHED) {
			EXPECT_EQ(0U, ((const struct sshobs_established *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_WIRE) {
			EXPECT_EQ(0U, ((const struct sshobs_wire *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_EXIT) {
			EXPECT_EQ(0U, ((const struct sshobs_exit *)body(hdr))->limits);
			EXPECT_EQ(0U, ((const struct sshobs_exit *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_PTY) {
			EXPECT_EQ(0U, ((const struct sshobs_pty *)body(hdr))->pad);
		}
		if (hdr->type == SSHOBS_CLOSE) {
			EXPECT_EQ(0U, ((const struct sshobs_close *)body(hdr))->pad);
		}
	}
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		EXPECT_TRUE(!sizes[i] || seen & 1UL << i) TH_LOG("no %s", sshobs_type_name(i));
	}
	log_close(&log);
}

SELFTEST_MAIN()
