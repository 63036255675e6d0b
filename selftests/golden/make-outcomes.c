// SPDX-License-Identifier: GPL-2.0
/*
 * A session of every outcome, as OpenSSH of different ages and dropbear tell them; users
 * who write to the log what a server would; names that imitate a line; evidence that
 * disagrees.
 */
#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "make-capture.h"
#include "packets.h"

#define KEY "ED25519 SHA256:tLYrMIOsXtIaGmnjLZt4bfch5HDHlloIwU2u6W+91WI"

/* The server's processes of the session that is being written. */
static struct {
	uint64_t session;
	const char *comm;
	uint32_t server;
	uint32_t checker;
	uint32_t user;
	uint64_t offset;
} s;

static void as_server(void)
{
	on(s.session, s.server, s.comm);
}

/* The process that is to be the user's; the pids of a session are its number and two digits. */
static void as_user(void)
{
	on(s.session, s.user, s.comm);
}

static void logs(const char *message)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "Nov 24 13:35:20 %s[%u]: %s", s.comm, s.server,
			 message);
	struct sshobs_log body = { .priority = 38, .text_len = n, .text_total = n };

	put(SSHOBS_LOG, 5000, &body, sizeof(body), text, n);
	after_us(100);
}

static void sends(struct sshobs_wire body, const void *bytes, size_t len)
{
	body.offset = s.offset;
	body.direction = SSHOBS_WIRE_IN;
	body.data_len = (uint32_t)len;
	put(SSHOBS_WIRE, 5000, &body, sizeof(body), bytes, len);
	s.offset += len;
	after_us(100);
}

static void sends_version(void)
{
	static const char version[] = "SSH-2.0-golden\r\n";
	struct sshobs_wire body = { .flags = SSHOBS_WIRE_WHOLE };

	sends(body, version, strlen(version));
}

/* @cut: bytes that are sent of it; 0: all */
static void sends_message(const struct packet *packet, size_t cut)
{
	struct sshobs_wire body = {
		.message = packet->bytes[5],
		.message_len = (uint32_t)packet->len,
		.flags = cut ? 0 : SSHOBS_WIRE_WHOLE,
	};

	if (body.message == 21)
		body.flags |= SSHOBS_WIRE_LAST;
	sends(body, packet->bytes, cut ? cut : packet->len);
}

static void sends_kexinit(size_t cut)
{
	static const char *const lists[10] = {
		"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
		"hmac-sha2-256",     "none",	    "none",	  "",		""
	};
	static struct packet packet;

	packet_kexinit(&packet, lists);
	sends_message(&packet, cut);
}

static void sends_newkeys(void)
{
	static struct packet packet;

	packet_newkeys(&packet);
	sends_message(&packet, 0);
}

/* A server of OpenSSH 9.8 or later, or one before it, takes a connection. */
static void begins(uint64_t session, bool late)
{
	s.session = session;
	s.comm = late ? "sshd-session" : "sshd";
	s.server = (uint32_t)session * 100;
	s.checker = s.server + 1;
	s.user = s.server + 2;
	s.offset = 0;
	after_us(3000000);
	on(session, 888, "sshd");
	accept_from(ipv4((unsigned int)session, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	forked(100, s.server);
	as_server();
	if (late)
		EXEC(300, 0, "", "/usr/lib/openssh/sshd-session", "sshd-session\0-R");
	else
		EXEC(300, 0, "", "/usr/sbin/sshd", "sshd\0-R");
	after_us(20000);
}

/* The client is talked to by a process that has no rights. */
static void checks(void)
{
	sends_version();
	as_server();
	forked(400, s.checker);
	on(s.session, s.checker, s.comm);
	becomes(500, SSHD, SSHD);
}

static void exchanges_keys(void)
{
	checks();
	sends_kexinit(0);
	sends_newkeys();
	as_server();
}

static void over(uint32_t code, uint32_t signal, uint64_t received, uint32_t flags)
{
	as_server();
	exits(9000, code, signal);
	closes(ipv4((unsigned int)s.session, 40000), received, 1000, flags);
	ends(20000000, 2, 1, 0, 0);
}

static void fails(uint32_t code)
{
	on(s.session, s.checker, s.comm);
	exits(4000, 255, 0);
	over(code, 0, 2500, 0);
}

/* Let in: the checker has done its work, the server forks the user's process. */
static void lets_in(const char *line)
{
	logs(line);
	on(s.session, s.checker, s.comm);
	exits(4000, 0, 0);
	as_server();
	logs("pam_unix(sshd:session): session opened for user alice(uid=424201) by (uid=0)");
	forked(6000, s.user);
	as_user();
	becomes(100, ALICE, ALICE);
}

/* A fork of the user's process, which runs something. */
static void runs(uint32_t n, const char *comm, const char *tty, const char *path, const char *argv,
		 size_t argv_len)
{
	as_user();
	forked(200, s.user + n);
	on(s.session, s.user + n, comm);
	exec_bytes(300, ALICE, tty, path, argv, argv_len, argv_len);
}

#define RUNS(n, comm, tty, path, argv) runs(n, comm, tty, path, argv, sizeof(argv))

static void leaves(void)
{
	as_user();
	exits(900, 255, 0);
	over(255, 0, 5000, 0);
}

/* 11: three shells and a command over one connection, after a try that failed. */
static void shells(void)
{
	begins(11, true);
	exchanges_keys();
	logs("error: PAM: Authentication failure for alice from 203.0.113.11");
	lets_in("Accepted keyboard-interactive/pam for alice from 203.0.113.11 port 40000 ssh2");
	RUNS(1, "bash", "pts/0", "/bin/bash", "-bash");
	RUNS(2, "bash", "", "/bin/bash", "bash\0-c\0echo \033[31mred\033[0m");
	RUNS(3, "bash", "pts/1", "/bin/bash", "-bash");
	RUNS(4, "bash", "pts/2", "/bin/bash", "-bash");
	leaves();
}

/* 12: a command of alice's, whose logger, sudo and shell say what a server would. */
static void forger(void)
{
	begins(12, false);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.12 port 40000 ssh2: " KEY);
	RUNS(1, "bash", "", "/usr/bin/bash", "bash\0-c\0logger Accepted; sudo logger Accepted");
	forked(100, s.user + 2);
	on(s.session, s.user + 2, "logger");
	EXEC(100, ALICE, "", "/usr/bin/logger", "logger\0Accepted");
	logs("Accepted password for root from 10.0.0.1 port 1 ssh2");
	on(s.session, s.user + 1, "bash");
	forked(100, s.user + 3);
	on(s.session, s.user + 3, "sudo");
	EXEC(100, 0, "", "/usr/bin/logger", "logger\0Accepted");
	logs("fatal: Timeout before authentication for 203.0.113.12 port 40000");
	as_user();
	logs("Accepted password for root from 10.0.0.1 port 1 ssh2");
	leaves();
}

static void sftp(void)
{
	begins(13, true);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.13 port 40000 ssh2: " KEY);
	RUNS(1, "bash", "", "/bin/bash", "bash\0-c\0/usr/lib/openssh/sftp-server -l INFO");
	leaves();
}

/* 14: internal-sftp is a fork that becomes no program. */
static void internal_sftp(void)
{
	begins(14, true);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.14 port 40000 ssh2: " KEY);
	forked(100, s.user + 1);
	on(s.session, s.user + 1, "sshd-session");
	exits(400, 0, 0);
	leaves();
}

static void forwarding(void)
{
	begins(15, false);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.15 port 40000 ssh2: " KEY);
	leaves();
}

static void wrong_passwords(void)
{
	int i;

	begins(16, false);
	exchanges_keys();
	for (i = 0; i < 3; i++) {
		logs("pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 tty=ssh "
		     "ruser= rhost=203.0.113.16  user=alice");
		logs("Failed password for alice from 203.0.113.16 port 40000 ssh2");
	}
	logs("Connection closed by authenticating user alice 203.0.113.16 port 40000 [preauth]");
	fails(255);
}

/* 17: a name that imitates the rest of the line, and what a terminal would obey. */
static void hostile_user(void)
{
	begins(17, true);
	exchanges_keys();
	logs("Invalid user root from 10.0.0.1 port 1 ssh2\033]0;x\a from 203.0.113.17 port 40000");
	logs("Failed none for invalid user root from 10.0.0.1 port 1 ssh2\033]0;x\a from "
	     "203.0.113.17 port 40000 ssh2");
	logs("Failed password for invalid user root from 10.0.0.1 port 1 ssh2\033]0;x\a from "
	     "203.0.113.17 port 40000 ssh2");
	fails(5);
}

static void too_many(void)
{
	begins(18, false);
	exchanges_keys();
	logs("Failed password for alice from 203.0.113.18 port 40000 ssh2");
	logs("error: maximum authentication attempts exceeded for alice from 203.0.113.18 port 40000 "
	     "ssh2 [preauth]");
	logs("Disconnecting authenticating user alice 203.0.113.18 port 40000: Too many "
	     "authentication failures [preauth]");
	fails(255);
}

static void grace_timeouts(void)
{
	begins(19, false);
	checks();
	as_server();
	logs("fatal: Timeout before authentication for 203.0.113.19 port 40000");
	over(255, 0, 16, 0);
	begins(20, true);
	exchanges_keys();
	logs("Failed password for alice from 203.0.113.20 port 40000 ssh2");
	fails(3);
}

static void disconnected(void)
{
	begins(21, true);
	checks();
	sends_kexinit(40);
	as_server();
	logs("Connection reset by 203.0.113.21 port 40000 [preauth]");
	on(s.session, s.checker, s.comm);
	exits(4000, 255, 0);
	over(255, 0, 600, SSHOBS_CLOSE_RESET);
	/* A port scan, and a server that logs nothing. */
	begins(22, false);
	over(255, 0, 0, 0);
}

static void crashes(void)
{
	begins(23, true);
	exchanges_keys();
	on(s.session, s.checker, s.comm);
	exits(4000, 0, SIGSYS);
	over(255, 0, 2500, 0);
	begins(24, true);
	over(0, SIGSEGV, 16, 0);
}

/* 25: TCP wrapper; 26: MaxStartups. */
static void refused(void)
{
	begins(25, false);
	logs("refused connect from 203.0.113.25 (203.0.113.25)");
	over(255, 0, 0, 0);
	after_us(1000);
	on(26, 888, "sshd");
	accept_from(ipv4(26, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	closes(ipv4(26, 40000), 0, 22, 0);
	ends(85000, 0, 0, SSHOBS_END_REFUSED, 0);
}

/* The log says one thing, the exit status or the clear text another. */
static void disagreeing(void)
{
	begins(27, true);
	exchanges_keys();
	logs("Accepted publickey for alice from 203.0.113.27 port 40000 ssh2: " KEY);
	fails(5);
	begins(28, true);
	checks();
	as_server();
	logs("Connection closed by 203.0.113.28 port 40000 [preauth]");
	fails(3);
}

/* 29: no log, no wire, and a process that was not followed: nothing is concluded from that. */
static void silent(void)
{
	begins(29, false);
	as_server();
	exits(9000, 255, 0);
	closes(ipv4(29, 40000), 2500, 1000, 0);
	ends(20000000, 1, 1, 0, SSHOBS_INCOMPLETE_TASKS);
}

/* dropbear only forks. */
static void dropbear(void)
{
	s.session = 30;
	s.comm = "dropbear";
	s.server = 3000;
	after_us(3000000);
	on(30, 889, "dropbear");
	accept_from(ipv4(30, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	forked(100, s.server);
	as_server();
	logs("Child connection from 203.0.113.30:40000");
	logs("Bad password attempt for 'al'ice' from 203.0.113.30:40000");
	logs("Exit before auth from <203.0.113.30:40000>: (user 'al'ice', 1 fails): Exited normally");
	over(1, 0, 2500, 0);
}

static void fork_fails(uint32_t limit)
{
	PUT(SSHOBS_CLONE_FAIL, 900,
	    (struct sshobs_clone_fail){ .nproc_soft = 30,
					.nproc_hard = 40,
					.nproc_used = limit == SSHOBS_FORK_NPROC ? 30 : 12,
					.error = EAGAIN,
					.limit = limit });
	after_us(100);
}

/* RLIMIT_AS behind the path, which is padded for it. */
static void exec_fails(uint32_t error, uint64_t soft)
{
	struct {
		char path[16];
		struct sshobs_limit as;
	} data = { "/usr/bin/python", { soft, SSHOBS_UNLIMITED, 4096 } };
	struct sshobs_exec_fail body = { .error = error, .path_len = 15, .path_total = 15 };

	put(SSHOBS_EXEC_FAIL, 950, &body, sizeof(body), &data, sizeof(data));
	after_us(100);
}

/* A program ends at the edge of a limit. */
static void ends_at(uint32_t n, uint32_t code, unsigned int resource, struct sshobs_limit limit)
{
	struct sshobs_exit body = { .code = code, .maxrss_kb = 900, .limits = 1U << resource };

	as_user();
	forked(700, s.user + n);
	on(s.session, s.user + n, "ls");
	EXEC(300, 1000, "", "/bin/ls", "ls");
	after_us(2000);
	put(SSHOBS_EXIT, 900, &body, sizeof(body), &limit, sizeof(limit));
	after_us(100);
}

/* 43: what is told of limits at the end of processes; some of it explains how they ended. */
static void edges(void)
{
	const uint64_t none = SSHOBS_UNLIMITED, uncounted = SSHOBS_UNCOUNTED;

	begins(43, false);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.43 port 40000 ssh2: " KEY);
	ends_at(1, 0, RLIMIT_NOFILE, (struct sshobs_limit){ 64, 64, 63 });
	ends_at(2, 1, RLIMIT_NOFILE, (struct sshobs_limit){ 64, 64, 63 });
	ends_at(3, 0, RLIMIT_NOFILE, (struct sshobs_limit){ 64, none, 64 });
	ends_at(4, 1, RLIMIT_NOFILE, (struct sshobs_limit){ 32, 64, 32 });
	ends_at(5, 0, RLIMIT_NPROC, (struct sshobs_limit){ 10, 10, 12 });
	ends_at(6, 126, RLIMIT_NPROC, (struct sshobs_limit){ 10, 10, 12 });
	ends_at(7, 0, RLIMIT_AS, (struct sshobs_limit){ 1 << 20, none, uncounted });
	ends_at(8, 1, RLIMIT_AS, (struct sshobs_limit){ 1 << 20, none, uncounted });
	ends_at(9, 127, RLIMIT_AS, (struct sshobs_limit){ 1 << 20, none, uncounted });
	ends_at(10, 127, RLIMIT_DATA, (struct sshobs_limit){ 1 << 16, 1 << 17, uncounted });
	leaves();
}

/* 37: one limit after the other; the client and the user's logger speak of more. */
static void limits(void)
{
	begins(37, false);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.37 port 40000 ssh2: " KEY);
	as_server();
	PUT(SSHOBS_PTY_FAIL, 6500, (struct sshobs_pty_fail){ .error = ENOSPC });
	PUT(SSHOBS_PTY_FAIL, 6500, (struct sshobs_pty_fail){ .error = EIO });
	logs("error: openpty: No space left on device");
	RUNS(1, "bash", "", "/bin/bash", "bash\0-c\0python; logger");
	fork_fails(SSHOBS_FORK_NPROC);
	fork_fails(SSHOBS_FORK_NPROC);
	fork_fails(SSHOBS_FORK_PIDS);
	fork_fails(SSHOBS_FORK_SYSTEM);
	fork_fails(SSHOBS_FORK_UNKNOWN);
	exec_fails(ENOMEM, 1 << 20);
	exec_fails(ENOMEM, SSHOBS_UNLIMITED);
	logs("error: no more sessions");
	as_user();
	logs("error: no more sessions");
	logs("error: accept: Too many open files");
	logs("Received disconnect from 203.0.113.37 port 40000:11: bye: Too many open files");
	leaves();
}

/* 38: a server that cannot start what the client wants; 39: one that runs out of descriptors. */
static void starved(void)
{
	begins(38, false);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.38 port 40000 ssh2: " KEY);
	as_user();
	fork_fails(SSHOBS_FORK_NPROC);
	logs("error: do_exec_pty: fork: Resource temporarily unavailable");
	leaves();
	begins(39, true);
	exchanges_keys();
	logs("Accepted publickey for alice from 203.0.113.39 port 40000 ssh2: " KEY);
	logs("fatal: monitor_openfds: socketpair: Too many open files");
	over(255, 0, 2500, 0);
}

static void says_for_none(uint32_t pid, const char *line)
{
	s.server = pid;
	on(0, pid, "sshd");
	logs(line);
	on(s.session, 888, "sshd");
}

/* 40: refused, as the task that accepted it says, and others do not; 41: the next one, which is not; 42. */
static void throttled(void)
{
	static const char line[] = "drop connection #1 from [203.0.113.40]:40000 on "
				   "[203.0.113.1]:22 past MaxStartups";

	on(40, 888, "sshd");
	s.session = 40;
	s.comm = "sshd";
	accept_from(ipv4(40, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	says_for_none(777, "drop connection #9 from [203.0.113.40]:40000 on [203.0.113.1]:22 past "
			   "MaxStartups");
	says_for_none(888, "drop connection #8 from [203.0.113.40]:400 on [203.0.113.1]:22 past "
			   "MaxStartups");
	says_for_none(888, line);
	closes(ipv4(40, 40000), 0, 0, 0);
	ends(500000, 0, 0, SSHOBS_END_REFUSED, 0);
	on(41, 888, "sshd");
	s.session = 41;
	accept_from(ipv4(41, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	says_for_none(888, line);
	closes(ipv4(41, 40000), 0, 0, 0);
	ends(500000, 0, 0, SSHOBS_END_REFUSED, 0);
	on(42, 888, "sshd");
	s.session = 42;
	accept_from(ipv4(42, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	/* As OpenSSH 10.3 says it. */
	says_for_none(888, "drop connection #2 from [203.0.113.42]:40000 on [203.0.113.1]:22 "
			   "Maxstartups");
	closes(ipv4(42, 40000), 0, 0, 0);
	ends(500000, 0, 0, SSHOBS_END_REFUSED, 0);
}

/* 31 is before authentication, 32 behind it, 33 has a shell; all of them are up. */
static void up(void)
{
	begins(31, true);
	exchanges_keys();
	logs("Failed password for alice from 203.0.113.31 port 40000 ssh2");
	begins(32, true);
	exchanges_keys();
	lets_in("Accepted password for alice from 203.0.113.32 port 40000 ssh2");
	begins(33, true);
	exchanges_keys();
	lets_in("Accepted publickey for alice from 203.0.113.33 port 40000 ssh2: RSA-CERT "
		"SHA256:abcdef ID alice from 1.2.3.4 port 5 ssh2 (serial 7) CA ED25519 SHA256:ghijkl");
	RUNS(1, "zsh", "pts/4", "/usr/bin/zsh", "-zsh");
}

/* What the server says is of the socket, not of a task. */
static void says(struct sshobs_wire body, const char *line)
{
	body.direction = SSHOBS_WIRE_OUT;
	body.data_len = (uint32_t)strlen(line);
	body.net_ns = now - 5000;
	on(s.session, 0, "");
	put(SSHOBS_WIRE, 0, &body, sizeof(body), line, body.data_len);
	after_us(30000);
}

static void scan_ends(uint64_t sent, uint32_t flags, uint32_t incomplete)
{
	as_server();
	exits(9000, 255, 0);
	closes(ipv4((unsigned int)s.session, 40000), 0, sent, flags);
	ends(20000000, 2, 1, 0, incomplete);
}

/*
 * 34 is gone when it is sent the banner; 35 closed its side before, and what it was sent is
 * cut; 36 is gone before anything is sent.
 */
static void scans(void)
{
	begins(34, false);
	says((struct sshobs_wire){ .flags = SSHOBS_WIRE_WHOLE }, "SSH-2.0-golden-server\r\n");
	scan_ends(23, SSHOBS_CLOSE_RESET, 0);
	begins(35, false);
	says((struct sshobs_wire){ .flags = SSHOBS_WIRE_CUT }, "");
	scan_ends(23, 0, SSHOBS_INCOMPLETE_WIRE);
	begins(36, false);
	scan_ends(0, SSHOBS_CLOSE_RESET, 0);
}

void outcomes(void)
{
	shells();
	forger();
	sftp();
	internal_sftp();
	forwarding();
	wrong_passwords();
	hostile_user();
	too_many();
	grace_timeouts();
	disconnected();
	crashes();
	refused();
	disagreeing();
	silent();
	dropbear();
	up();
	scans();
	limits();
	starved();
	throttled();
	edges();
}
