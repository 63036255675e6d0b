// SPDX-License-Identifier: GPL-2.0
/*
 * Logins from the SYN to the prompt, as OpenSSH 9.2 does them: a fast one, one for each of
 * the usual causes of a slow one, and some that end early. The client is 24 ms away.
 */
#include <errno.h>
#include <linux/sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "make-capture.h"
#include "packets.h"

#define MS 1000
#define S  1000000

/* How far the client is, there and back. */
#define RTT_US (24 * MS)

/* What is wrong with a login; all in us, 0: nothing. */
struct faults {
	uint64_t queue;
	uint64_t dropped; /* two SYNs, since the accept queue is full */
	uint64_t kex_starved;
	uint64_t dns;
	uint64_t home;
	uint64_t keys;
	uint64_t refused;
	uint64_t person;
	uint64_t dbus;
	uint64_t pam;
	uint64_t motd;
	uint64_t bashrc;
	uint64_t ldap;
	bool names; /* names come from SSSD, which was asked before the person typed */
	bool helper; /* unix_chkpwd says that a password is wrong, and the log does not */
};

/* The processes of the session that is being written. */
static struct {
	uint64_t session;
	uint32_t server;
	uint32_t checker;
	uint32_t user;
	uint32_t shell;
	uint32_t child; /* the newest of those that come and go */
	uint64_t offsets[2];
	uint64_t began;
} s;

static void as_server(void)
{
	on(s.session, s.server, "sshd");
}

static void as_checker(void)
{
	on(s.session, s.checker, "sshd");
}

static struct sshobs_endpoint client(void)
{
	return ipv4(7, 50000 + (unsigned int)s.session);
}

static void logs(uint64_t cpu, const char *message)
{
	char text[512];
	int n = snprintf(text, sizeof(text), "Nov 22 09:46:38 sshd[%u]: %s", s.server, message);
	struct sshobs_log body = { 38, (uint32_t)n, (uint32_t)n, 0 };

	put(SSHOBS_LOG, cpu, &body, sizeof(body), text, (size_t)n);
}

static void connects_path(uint64_t cpu, const char *path, uint32_t error)
{
	struct sshobs_connect body = {
		.peer.family = AF_UNIX,
		.duration_ns = 60000,
		.error = error,
		.path_len = (uint32_t)strlen(path),
	};

	put(SSHOBS_CONNECT, cpu, &body, sizeof(body), path, strlen(path));
}

static void connects_udp(uint64_t cpu, unsigned int last, unsigned int port)
{
	PUT(SSHOBS_CONNECT, cpu,
	    (struct sshobs_connect){
		    .peer = ipv4(last, port), .duration_ns = 50000, .protocol = 17 });
}

/* A TCP connect, which takes a while; it ends with an errno, or as a flag tells. */
static void connects_tcp(uint64_t cpu, struct sshobs_endpoint peer, uint64_t us, uint32_t error,
			 uint32_t flags)
{
	struct sshobs_connect body = {
		.peer = peer,
		.flags = SSHOBS_CONNECT_BEGUN,
		.protocol = 6,
	};

	PUT(SSHOBS_CONNECT, cpu, body);
	after_us(us);
	body.duration_ns = us * 1000;
	body.error = error;
	body.flags = flags;
	PUT(SSHOBS_CONNECT, cpu + 10, body);
	after_us(60);
}

/* Of the directory's servers, one has no route, one is down, one is silent and one answers. */
static void asks_directory(uint64_t us)
{
	connects_tcp(102400, ipv6(1, 389, 0), 40, 0, SSHOBS_CONNECT_UNSENT);
	connects_tcp(102500, ipv4(11, 389), 1000, ECONNREFUSED, 0);
	connects_tcp(102600, ipv4(12, 389), us / 3, 0, SSHOBS_CONNECT_ABANDONED);
	connects_tcp(102700, ipv4(13, 389), us, ETIMEDOUT, 0);
	connects_tcp(102800, ipv4(14, 389), 700, 0, 0);
	after_us(3 * MS);
}

/* Clear text, in one piece; @net: when the network saw it. */
static void clear_text(unsigned int direction, uint64_t cpu, uint64_t net, const void *bytes,
		       size_t len, unsigned int message)
{
	struct sshobs_wire body = {
		.offset = s.offsets[direction],
		.net_ns = net,
		.message_len = message ? (uint32_t)len : 0,
		.data_len = (uint32_t)len,
		.direction = (uint8_t)direction,
		.message = (uint8_t)message,
		.flags = SSHOBS_WIRE_WHOLE | (message == 21 ? SSHOBS_WIRE_LAST : 0),
	};

	put(SSHOBS_WIRE, cpu, &body, sizeof(body), bytes, len);
	s.offsets[direction] += len;
}

static void version(unsigned int direction, uint64_t cpu, uint64_t net)
{
	static const char line[] = "SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u10\r\n";

	clear_text(direction, cpu, net, line, strlen(line), 0);
}

static void message(unsigned int direction, uint64_t cpu, uint64_t net, unsigned char number)
{
	static const char *const lists[10] = {
		"curve25519-sha256", "ssh-ed25519", "aes128-ctr", "aes128-ctr", "hmac-sha2-256",
		"hmac-sha2-256",     "none",	    "none",	  "",		""
	};
	static struct packet packet;

	if (number == 20) {
		packet_kexinit(&packet, lists);
	} else {
		packet_begin(&packet, number);
		packet_end(&packet);
	}
	clear_text(direction, cpu, net, packet.bytes, packet.len, number);
}

/* What went out is told when the network answers, which is now. */
static void went_out(uint64_t net)
{
	on(s.session, 0, "");
	message(SSHOBS_WIRE_OUT, 0, net, 31);
	message(SSHOBS_WIRE_OUT, 0, net, 21);
	as_checker();
}

static void begins(uint64_t session, uint64_t queue_us, uint64_t dropped_us)
{
	struct sshobs_established est = { .peer_isn = 1000, .local_isn = 2000, .syns = 1 };

	after_us(20 * S);
	memset(&s, 0, sizeof(s));
	s.session = session;
	s.server = (uint32_t)session * 100;
	s.checker = s.server + 1;
	s.user = s.server + 2;
	s.shell = s.server + 3;
	s.child = s.server + 10;
	s.began = now;
	est.syn_ns = now;
	if (dropped_us) {
		est.syns = 3;
		est.syns_dropped = 2;
		est.backlog = 129;
		est.backlog_max = 128;
		after_us(dropped_us);
	}
	est.synack_ns = (now + 120000) / 1000 * 1000;
	est.established_ns = est.synack_ns + RTT_US * 1000;
	est.rtt_us = RTT_US;
	after_us(120 + RTT_US + 90 + queue_us);
	on(session, 888, "sshd");
	est.peer = client();
	est.local = ipv4(1, 22);
	PUT(SSHOBS_ESTABLISHED, 70, est);
	PUT(SSHOBS_ACCEPT, 70,
	    (struct sshobs_accept){ .peer = client(),
				    .local = ipv4(1, 22),
				    .cookie = 0x2000 + session,
				    .start_ns = now,
				    .backlog = queue_us ? 4 : 0,
				    .queue_ns = now - est.established_ns });
}

static void spawns(void)
{
	after_us(400);
	forked(400, s.server);
	after_us(2600);
	as_server();
	EXEC(1900, 0, "", "/usr/sbin/sshd", "/usr/sbin/sshd\0-D\0-R");
	after_us(18 * MS);
	connects_udp(18000, 1, 22);
	after_us(4 * MS);
}

/* Both send their version and their KEXINIT; the client's come a way later. */
static void banners(void)
{
	uint64_t sent = now;

	after_us(RTT_US);
	on(s.session, 0, "");
	version(SSHOBS_WIRE_OUT, 0, sent);
	after_us(50);
	as_server();
	version(SSHOBS_WIRE_IN, 22100, now - 40000);
	after_us(400);
	forked(22500, s.checker);
	after_us(700);
	as_checker();
	becomes(600, SSHD, 65534);
	after_us(300);
	on(s.session, 0, "");
	message(SSHOBS_WIRE_OUT, 0, now - 10000, 20);
	as_checker();
	message(SSHOBS_WIRE_IN, 1100, now - 900000, 20);
}

static void exchanges_keys(uint64_t starved_us)
{
	uint64_t sent;

	after_us(RTT_US + 3 * MS);
	message(SSHOBS_WIRE_IN, 1300, now - 30000, 30);
	after_us(9 * MS + starved_us);
	sent = now;
	after_us(RTT_US);
	went_out(sent);
	after_us(2 * MS);
	delayed(starved_us);
	message(SSHOBS_WIRE_IN, 10400, now - 20000, 21);
	delayed(0);
}

/* A program that the server runs, which sleeps in a child; @uid: 0: root */
static void runs_slow(uint64_t cpu, uint32_t uid, const char *comm, const char *path, uint64_t us)
{
	uint32_t program = s.child++, sleeper = s.child++;

	as_server();
	forked(cpu, program);
	after_us(500);
	if (uid) {
		on(s.session, program, "sshd");
		becomes(200, uid, uid);
		after_us(200);
	}
	on(s.session, program, comm);
	exec_bytes(700, uid, "", path, path, strlen(path) + 1, strlen(path) + 1);
	after_us(1500);
	forked(2000, sleeper);
	after_us(400);
	on(s.session, sleeper, "sleep");
	EXEC(200, uid, "", "/usr/bin/sleep", "sleep\0002");
	after_us(us);
	exits(900, 0, 0);
	after_us(300);
	on(s.session, program, comm);
	exits(2600, 0, 0);
	after_us(200);
}

static void looks_up_keys(const struct faults *f)
{
	as_server();
	if (f->dns) {
		connects_udp(30500, 53, 53);
		after_us(f->dns / 2);
		connects_udp(30700, 53, 53);
		after_us(f->dns / 2);
	}
	connects_path(31000, "/var/run/nscd/socket", ENOENT);
	after_us(60);
	connects_path(31050, "/var/run/nscd/socket", ENOENT);
	after_us(300);
	if (f->keys) {
		runs_slow(31200, BOB, "slow-keys", "/usr/local/bin/slow-keys", f->keys);
		runs_slow(31900, BOB, "slow-keys", "/usr/local/bin/slow-keys", f->keys);
	}
	as_server();
	if (f->home) {
		PUT(SSHOBS_CRED, 32500,
		    (struct sshobs_cred){ .before = { .cap_eff = 0xff },
					  .after = { .euid = ALICE, .gid = ALICE } });
		after_us(f->home);
		PUT(SSHOBS_CRED, 32600,
		    (struct sshobs_cred){ .before = { .euid = ALICE, .gid = ALICE },
					  .after = { .cap_eff = 0xff } });
	} else {
		acts_as(32500, ALICE);
	}
}

/* PAM finds that a password is wrong. */
static void refuses(bool by_helper)
{
	uint32_t helper = s.child++;

	if (by_helper) {
		forked(60000, helper);
		after_us(500);
		on(s.session, helper, "unix_chkpwd");
		EXEC(300, 0, "", "/usr/sbin/unix_chkpwd", "unix_chkpwd\0alice\0nonull");
		after_us(30 * MS);
		exits(29000, 7, 0);
		as_server();
	} else {
		logs(60000, "pam_unix(sshd:auth): authentication failure; logname= uid=0 euid=0 "
			    "tty=ssh ruser= rhost=203.0.113.7  user=alice");
	}
}

/* @refused: how long PAM waits after the first try, which is wrong */
static void authenticates(const struct faults *f)
{
	bool password = f->person || f->refused;

	after_us(RTT_US);
	looks_up_keys(f);
	if (f->names)
		connects_path(32700, "/var/lib/sss/pipes/nss", 0);
	after_us(RTT_US + f->person);
	as_server();
	if (f->refused) {
		refuses(f->helper);
		after_us(300);
		connects_path(60100, "/var/run/nscd/socket", ENOENT);
		after_us(f->refused);
		logs(60400, "Failed password for alice from 203.0.113.7 port 50050 ssh2");
		after_us(RTT_US + 700 * MS);
	}
	after_us(41 * MS);
	connects_path(101000, "/dev/log", 0);
	logs(101100, password ? "Accepted password for alice from 203.0.113.7 port 50044 ssh2" :
				"Accepted publickey for alice from 203.0.113.7 port 50041 ssh2: "
				"ED25519 SHA256:tLYrMIOsXtIaGmnjLZt4bfch5HDHlloIwU2u6W+91WI");
	after_us(900);
	as_checker();
	exits(14000, 0, 0);
}

static void motd_script(uint32_t parent, const char *name, const char *path, uint64_t us)
{
	uint32_t script = s.child++, sleeper = s.child++;

	on(s.session, parent, "run-parts");
	forked(1000 + script, script);
	after_us(300);
	on(s.session, script, name);
	exec_bytes(200, 0, "", path, path, strlen(path) + 1, strlen(path) + 1);
	after_us(1700);
	if (us) {
		forked(1500, sleeper);
		after_us(400);
		on(s.session, sleeper, "sleep");
		EXEC(200, 0, "", "/usr/bin/sleep", "sleep\0002");
		after_us(us);
		exits(900, 0, 0);
		after_us(300);
		on(s.session, script, name);
	}
	exits(2100, 0, 0);
	after_us(90);
}

static void motd(uint64_t us)
{
	uint32_t sh = s.child++, parts = s.child++;

	as_server();
	PUT(SSHOBS_CLONE, 104000,
	    (struct sshobs_clone){ .flags = CLONE_VM | CLONE_VFORK, .start_ns = now, .child = sh });
	after_us(700);
	on(s.session, sh, "sh");
	EXEC(300, 0, "", "/bin/sh", "sh\0-c\0run-parts --lsbsysinit /etc/update-motd.d");
	after_us(900);
	PUT(SSHOBS_CLONE, 1000,
	    (struct sshobs_clone){
		    .flags = CLONE_VM | CLONE_VFORK, .start_ns = now, .child = parts });
	after_us(500);
	on(s.session, parts, "run-parts");
	EXEC(300, 0, "", "/usr/bin/run-parts", "run-parts\0--lsbsysinit\0/etc/update-motd.d");
	after_us(800);
	motd_script(parts, "10-uname", "/etc/update-motd.d/10-uname", 0);
	if (us)
		motd_script(parts, "50-landscape-sy", "/etc/update-motd.d/50-landscape-sysinfo",
			    us);
	on(s.session, parts, "run-parts");
	exits(9000, 0, 0);
	after_us(200);
	on(s.session, sh, "sh");
	exits(1400, 0, 0);
	after_us(300);
}

static void sets_up(const struct faults *f)
{
	after_us(1200);
	as_server();
	logs(102000,
	     "pam_unix(sshd:session): session opened for user alice(uid=424201) by (uid=0)");
	after_us(400);
	if (f->dbus) {
		connects_path(102400, "/run/dbus/system_bus_socket", 0);
		after_us(f->dbus);
		logs(103000, "pam_systemd(sshd:session): Failed to create session");
	}
	if (f->ldap)
		asks_directory(f->ldap);
	if (f->pam)
		runs_slow(103500, 0, "slow-pam", "/usr/local/bin/slow-pam", f->pam);
	motd(f->motd);
	as_server();
	forked(106000, s.user);
	after_us(900);
	on(s.session, s.user, "sshd");
	becomes(700, ALICE, ALICE);
}

/* A program that the shell's start files run. */
static void start_file_runs(const char *comm, const char *path, uint64_t us)
{
	uint32_t program = s.child++;

	on(s.session, s.shell, "bash");
	forked(4000 + 10 * (uint64_t)program % 1000, program);
	after_us(400);
	on(s.session, program, comm);
	exec_bytes(200, ALICE, "pts/0", path, comm, strlen(comm) + 1, strlen(comm) + 1);
	after_us(us);
	exits(us < 4000 ? us - 500 : 1500, 0, 0);
	after_us(1000);
}

static void shell_forks(void)
{
	after_us(RTT_US + 2 * MS);
	as_server();
	pts(SSHOBS_PTY, 107000, 0);
	after_us(900);
	on(s.session, s.user, "sshd");
	forked(2300, s.shell);
	after_us(1700);
	on(s.session, s.shell, "bash");
}

/* The server's processes and a shell that has nearly used up its descriptors. */
static void prompt_is_read(void)
{
	struct sshobs_reading body = {
		.prompt_ns = 1,
		.rss_kb = 9876,
		.vm_kb = 18000,
		.fds = 9,
		.fds_soft = 1024,
		.fds_hard = 524288,
		.ids.cap_eff = 0x1ffffffffff,
		.threads = 1,
		.state = 'S',
	};

	after_us(1500);
	on(s.session, s.server, "sshd");
	PUT(SSHOBS_READING, 15000, body);
	on(s.session, s.shell, "bash");
	body.fds = body.fds_soft = 5;
	body.ids = (struct sshobs_ids){ ALICE, ALICE, ALICE, ALICE, 0 };
	body.threads = 2;
	body.flags = SSHOBS_READING_LAST | SSHOBS_READING_CUT;
	PUT(SSHOBS_READING, 15000, body);
}

static void shell_starts(uint64_t bashrc_us)
{
	shell_forks();
	EXEC(1400, ALICE, "pts/0", "/bin/bash", "-bash");
	after_us(2500);
	start_file_runs("id", "/usr/bin/id", 2 * MS);
	start_file_runs("dircolors", "/usr/bin/dircolors", 2 * MS);
	if (bashrc_us)
		start_file_runs("sleep", "/usr/bin/sleep", bashrc_us);
	after_us(8 * MS);
	on(s.session, s.shell, "bash");
	pts(SSHOBS_PROMPT, 15000, 0);
	if (bashrc_us)
		prompt_is_read();
}

static void goes_away(uint32_t processes, uint32_t code)
{
	after_us(3 * S);
	if (code == 255) {
		on(s.session, s.shell, "bash");
		exits(20000, 0, 0);
		after_us(900);
		on(s.session, s.user, "sshd");
		exits(4000, 255, 0);
		after_us(900);
	}
	as_server();
	exits(109000, code, 0);
	after_us(80);
	closes(client(), 4000, 6000, 0);
	after_us(20);
	ends(now - s.began, processes, processes, 0, 0);
}

static void login(uint64_t session, const struct faults *f)
{
	begins(session, f->queue, f->dropped);
	spawns();
	banners();
	exchanges_keys(f->kex_starved);
	authenticates(f);
	sets_up(f);
	shell_starts(f->bashrc);
	goes_away(9, 255);
}

/* A command instead of a shell, without a terminal. */
static void command(uint64_t session)
{
	static const struct faults none;

	begins(session, 0, 0);
	spawns();
	banners();
	exchanges_keys(0);
	authenticates(&none);
	sets_up(&none);
	shell_forks();
	EXEC(1400, ALICE, "", "/bin/bash", "bash\0-c\0uptime");
	goes_away(8, 255);
}

/* No log line, and never let in: a wrong user name, after which the client hangs up. */
static void fails(uint64_t session)
{
	begins(session, 0, 0);
	spawns();
	banners();
	exchanges_keys(0);
	after_us(RTT_US);
	as_server();
	logs(31000, "Invalid user Accepted from 203.0.113.7 port 50062");
	after_us(2 * S);
	as_checker();
	exits(12000, 255, 0);
	as_server();
	goes_away(2, 254);
}

/* The client hangs up before it says a word. */
static void says_nothing(uint64_t session)
{
	begins(session, 0, 0);
	spawns();
	as_server();
	goes_away(1, 254);
}

void logins(void)
{
	login(41, &(struct faults){ 0 });
	login(42, &(struct faults){ .motd = 2 * S });
	login(43, &(struct faults){ .dns = 10 * S });
	login(44, &(struct faults){ .person = 3 * S });
	login(45, &(struct faults){ .dbus = 8 * S });
	login(46, &(struct faults){ .kex_starved = 2 * S });
	login(47, &(struct faults){ .bashrc = 2 * S });
	login(48, &(struct faults){ .keys = 2 * S });
	login(49, &(struct faults){ .pam = 2 * S });
	login(50, &(struct faults){ .refused = 2 * S });
	login(51, &(struct faults){ .home = 2 * S });
	login(52, &(struct faults){ .queue = 2 * S });
	login(53, &(struct faults){ .person = 3 * S, .names = true });
	login(54, &(struct faults){ .refused = 2 * S, .helper = true });
	login(55, &(struct faults){ .ldap = 3 * S });
	login(56, &(struct faults){ .dropped = 3 * S });
	command(61);
	fails(62);
	says_nothing(63);
}
