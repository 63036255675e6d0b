// SPDX-License-Identifier: GPL-2.0
/*
 * Writes a capture that is the same everywhere, for the golden outputs: a login
 * as OpenSSH 9.2 does it, a refused connection, a session that was up before the
 * module, two logins at the same time, a loss, and hostile arguments; and what
 * make-negotiation.c adds. With the argument "logins", what make-logins.c has, and
 * with "outcomes", what make-outcomes.c has.
 */
#include <errno.h>
#include <linux/sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "../../userspace/capture.h"
#include "make-capture.h"

#define ALL_CAPS 0x1ffffffffffULL

static FILE *out;
uint64_t now = 1071204512873ULL;
static uint64_t seq;
static uint64_t session_seqs[64];

void after_us(uint64_t us)
{
	now += us * 1000;
}

/* Who the next records are about. */
static struct {
	uint64_t session;
	uint32_t pid;
	const char *comm;
} who;

void on(uint64_t session, uint32_t pid, const char *comm)
{
	who.session = session;
	who.pid = pid;
	who.comm = comm;
}

static uint64_t delay_us;

void delayed(uint64_t us)
{
	delay_us = us;
}

void put(unsigned int type, uint64_t cpu_us, const void *body, size_t size, const void *data,
	 size_t data_size)
{
	static const char zero[8];
	size_t len = sizeof(struct sshobs_hdr) + size + data_size;
	size_t pad = (8 - len % 8) % 8;
	struct sshobs_hdr hdr = {
		.len = (uint32_t)(len + pad),
		.hdr_len = sizeof(hdr),
		.type = (uint16_t)type,
		.seq = ++seq,
		.time_ns = now,
		.session = who.session,
		.session_seq = who.session ? ++session_seqs[who.session] : 0,
		.pid = who.pid,
		.tid = who.pid,
		.cpu_ns = cpu_us * 1000,
		.run_delay_ns = delay_us * 1000,
	};

	memcpy(hdr.comm, who.comm, strnlen(who.comm, sizeof(hdr.comm)));
	fwrite(&hdr, sizeof(hdr), 1, out);
	fwrite(body, size, 1, out);
	fwrite(data, data_size, 1, out);
	fwrite(zero, pad, 1, out);
}

struct sshobs_endpoint ipv4(unsigned int last, unsigned int port)
{
	struct sshobs_endpoint end = { .family = AF_INET, .port = (uint16_t)port };

	memcpy(end.addr, (unsigned char[]){ 203, 0, 113, (unsigned char)last }, 4);
	return end;
}

struct sshobs_endpoint ipv6(unsigned int last, unsigned int port, uint32_t scope)
{
	struct sshobs_endpoint end = { .family = AF_INET6, .port = (uint16_t)port };

	end.addr[0] = scope ? 0xfe : 0x20;
	end.addr[1] = scope ? 0x80 : 0x01;
	end.addr[2] = scope ? 0 : 0x0d;
	end.addr[3] = scope ? 0 : 0xb8;
	end.addr[15] = (unsigned char)last;
	end.scope_id = scope;
	return end;
}

void accept_from(struct sshobs_endpoint peer, struct sshobs_endpoint local, unsigned int type,
		 uint64_t start)
{
	PUT(type, 0,
	    (struct sshobs_accept){ .peer = peer,
				    .local = local,
				    .cookie = 0x1000 + who.session,
				    .start_ns = start ?: now });
}

void forked(uint64_t cpu, uint32_t child)
{
	PUT(SSHOBS_CLONE, cpu, (struct sshobs_clone){ .start_ns = now, .child = child });
}

void exec_bytes(uint64_t cpu, uint32_t uid, const char *tty, const char *path, const void *argv,
		size_t argv_len, size_t argv_total)
{
	char data[8192];
	size_t path_len = strlen(path);
	struct sshobs_exec body = {
		.uid = uid,
		.path_len = (uint32_t)path_len,
		.path_total = (uint32_t)path_len,
		.argv_len = (uint32_t)argv_len,
		.argv_total = (uint32_t)argv_total,
	};

	if (who.session == 1)
		body.flags = SSHOBS_EXEC_ADOPTED;
	memcpy(body.tty, tty, strlen(tty));
	memcpy(data, path, path_len);
	memcpy(data + path_len, argv, argv_len);
	put(SSHOBS_EXEC, cpu, &body, sizeof(body), data, path_len + argv_len);
}

static void exec_failed(uint64_t cpu, const char *path, uint32_t error)
{
	struct sshobs_exec_fail body = {
		.error = error,
		.path_len = (uint32_t)strlen(path),
		.path_total = (uint32_t)strlen(path),
	};

	put(SSHOBS_EXEC_FAIL, cpu, &body, sizeof(body), path, strlen(path));
}

void becomes(uint64_t cpu, uint32_t uid, uint32_t gid)
{
	struct sshobs_ids root = { .cap_eff = ALL_CAPS };
	struct sshobs_ids group = { .gid = gid, .cap_eff = ALL_CAPS };
	struct sshobs_ids user = { uid, uid, uid, gid, 0 };

	PUT(SSHOBS_CRED, cpu, (struct sshobs_cred){ root, group });
	after_us(15);
	PUT(SSHOBS_CRED, cpu + 10, (struct sshobs_cred){ group, user });
}

void acts_as(uint64_t cpu, uint32_t uid)
{
	struct sshobs_ids root = { .cap_eff = ALL_CAPS };
	struct sshobs_ids user = { .euid = uid, .gid = uid };

	PUT(SSHOBS_CRED, cpu, (struct sshobs_cred){ root, user });
	after_us(80);
	PUT(SSHOBS_CRED, cpu + 60, (struct sshobs_cred){ user, root });
}

void exits(uint64_t cpu, uint32_t code, uint32_t signal)
{
	PUT(SSHOBS_EXIT, cpu,
	    (struct sshobs_exit){ .code = code,
				  .signal = signal,
				  .utime_ns = cpu * 700,
				  .stime_ns = cpu * 300,
				  .maxrss_kb = 3000 + cpu / 10 });
}

void pts(unsigned int type, uint64_t cpu, uint32_t index)
{
	PUT(type, cpu, (struct sshobs_pty){ .pts = index });
}

void closes(struct sshobs_endpoint peer, uint64_t in, uint64_t sent, uint32_t flags)
{
	PUT(SSHOBS_CLOSE, 0,
	    (struct sshobs_close){ .peer = peer,
				   .local = peer.family == AF_INET ? ipv4(1, 22) :
								     ipv6(1, 22, peer.scope_id),
				   .bytes_received = in,
				   .bytes_sent = sent,
				   .srtt_us = 23417,
				   .retransmits = flags ? 3 : 0,
				   .flags = flags });
}

void ends(uint64_t duration, uint32_t processes, uint32_t execs, uint32_t flags,
	  uint32_t incomplete)
{
	PUT(SSHOBS_END, 0, (struct sshobs_end){ duration, processes, execs, flags, incomplete });
}

/* Session 1 was up when the module came: sshd, alice's sshd, her bash and its vim. */
static void adopted(void)
{
	uint64_t start = now - 600 * 1000000000ULL;

	on(1, 0, "");
	accept_from(ipv4(9, 40022), ipv4(1, 22), SSHOBS_ADOPT, start);
	on(1, 888, "sshd");
	PUT(SSHOBS_CLONE, 0,
	    (struct sshobs_clone){ .start_ns = start, .child = 700, .how = SSHOBS_CLONE_ADOPTED });
	on(1, 700, "sshd");
	exec_bytes(41000, 0, "", "/usr/sbin/sshd", "sshd: alice [priv]", 19, 19);
	PUT(SSHOBS_CLONE, 41000,
	    (struct sshobs_clone){
		    .start_ns = start + 500000000, .child = 705, .how = SSHOBS_CLONE_ADOPTED });
	on(1, 705, "sshd");
	exec_bytes(90000, ALICE, "", "/usr/sbin/sshd", "sshd: alice@pts/3", 18, 18);
	PUT(SSHOBS_CLONE, 90000,
	    (struct sshobs_clone){
		    .start_ns = start + 600000000, .child = 706, .how = SSHOBS_CLONE_ADOPTED });
	on(1, 706, "bash");
	EXEC(22000, ALICE, "pts/3", "/bin/bash", "-bash");
	after_us(900);
}

/* A script of update-motd.d: found, run, ended, after @us with little CPU. */
static void motd_script(uint32_t parent, uint32_t pid, const char *comm, const char *path,
			uint64_t us, uint64_t cpu)
{
	on(2, parent, "run-parts");
	forked(1000, pid);
	after_us(300);
	on(2, pid, comm);
	exec_bytes(200, 0, "", path, path, strlen(path) + 1, strlen(path) + 1);
	after_us(us);
	exits(cpu, 0, 0);
	after_us(90);
}

/* Up to the shell: as OpenSSH 9.2 does on bookworm. */
static void login_server(void)
{
	on(2, 888, "sshd");
	accept_from(ipv4(7, 51512), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	after_us(507);
	forked(100, 1022);
	after_us(2613);
	on(2, 1022, "sshd");
	EXEC(1900, 0, "", "/usr/sbin/sshd", "/usr/sbin/sshd\0-D\0-R");
	after_us(31000);
	forked(24000, 1023);
	after_us(400);
	on(2, 1023, "sshd");
	becomes(300, SSHD, 65534);
	after_us(412000);
	on(2, 1022, "sshd");
	acts_as(26000, ALICE);
	after_us(61000);
	on(2, 1023, "sshd");
	exits(38000, 0, 0);
}

static void login_motd(void)
{
	after_us(700);
	on(2, 1022, "sshd");
	forked(29000, 1030);
	after_us(800);
	on(2, 1030, "sh");
	EXEC(300, 0, "", "/bin/sh",
	     "sh\0-c\0/usr/bin/env -i PATH=/usr/local/sbin:/usr/sbin run-parts --lsbsysinit /etc/update-motd.d > /run/motd.dynamic.new");
	after_us(1200);
	forked(900, 1031);
	after_us(400);
	on(2, 1031, "env");
	EXEC(100, 0, "", "/usr/bin/env",
	     "/usr/bin/env\0-i\0PATH=/usr/local/sbin:/usr/sbin\0run-parts\0--lsbsysinit\0/etc/update-motd.d");
	after_us(900);
	exec_failed(600, "/usr/local/sbin/run-parts", ENOENT);
	after_us(20);
	exec_failed(620, "/usr/sbin/run-parts", ENOENT);
	after_us(30);
	EXEC(640, 0, "", "/usr/bin/run-parts", "run-parts\0--lsbsysinit\0/etc/update-motd.d");
	after_us(1100);
	motd_script(1031, 1040, "00-header", "/etc/update-motd.d/00-header", 4200, 2100);
	motd_script(1031, 1041, "50-landscape-sy", "/etc/update-motd.d/50-landscape-sysinfo",
		    2003000, 3100);
	motd_script(1031, 1042, "99-broken", "/etc/update-motd.d/99-broken", 1100, 900);
	on(2, 1031, "run-parts");
	exits(2800, 0, 0);
	after_us(300);
	on(2, 1030, "sh");
	exits(1500, 0, 0);
}

static void login_shell(void)
{
	after_us(2400);
	on(2, 1022, "sshd");
	forked(33000, 1050);
	after_us(600);
	on(2, 1050, "sshd");
	becomes(400, ALICE, ALICE);
	after_us(3000);
	pts(SSHOBS_PTY, 1500, 0);
	after_us(1800);
	forked(2600, 1051);
	after_us(2500);
	on(2, 1051, "bash");
	EXEC(1400, ALICE, "pts/0", "/bin/bash", "-bash");
	after_us(14000);
	forked(12000, 1060);
	after_us(300);
	on(2, 1060, "bash");
	exec_failed(200, "/usr/local/bin/dircolors", ENOENT);
	after_us(400);
	EXEC(300, ALICE, "pts/0", "/usr/bin/dircolors", "dircolors\0-b");
	after_us(1900);
	exits(1600, 0, 0);
	after_us(11000);
	on(2, 1051, "bash");
	pts(SSHOBS_PROMPT, 24000, 0);
}

/* Session 3 has the command of root, over IPv6, and is up at the same time. */
static void command_begins(void)
{
	on(3, 888, "sshd");
	accept_from(ipv6(0x42, 60001, 0), ipv6(1, 22, 0), SSHOBS_ACCEPT, 0);
	after_us(450);
	forked(100, 1100);
	after_us(2500);
	on(3, 1100, "sshd");
	EXEC(1800, 0, "", "/usr/sbin/sshd", "/usr/sbin/sshd\0-D\0-R");
	after_us(9000);
	forked(9500, 1101);
	after_us(350);
	on(3, 1101, "sshd");
	becomes(300, SSHD, 65534);
}

static void command_ends(void)
{
	after_us(88000);
	on(3, 1101, "sshd");
	exits(31000, 0, 0);
	after_us(1000);
	on(3, 1100, "sshd");
	forked(42000, 1102);
	after_us(900);
	on(3, 1102, "bash");
	EXEC(700, 0, "", "/bin/bash", "bash\0-c\0uptime; false");
	after_us(1500);
	exec_failed(1300, "/root/bin/uptime", EACCES);
	after_us(400);
	PUT(SSHOBS_CLONE_FAIL, 1400,
	    (struct sshobs_clone_fail){ .nproc_soft = 40,
					.nproc_hard = SSHOBS_UNLIMITED,
					.nproc_used = 40,
					.error = EAGAIN,
					.limit = SSHOBS_FORK_NPROC });
	after_us(1000);
	exits(2000, 254, 0);
	after_us(500);
	on(3, 1100, "sshd");
	closes(ipv6(0x42, 60001, 0), 2871, 3310, 0);
	after_us(100);
	exits(44000, 255, 0);
	after_us(5);
	ends(2120654000, 3, 2, 0, 0);
}

/* alice's commands, one of which tries the reader; pid 1060 comes again. */
static void login_works(void)
{
	static const char hostile[] =
		"/bin/echo\0line\nbreak\0\033]0;owned\a\033[2J\0caf\303\251\0bad\377\200\0"
		"\xe2\x80\xae"
		"evil\0\302\233"
		"31m\0it's\0\0two words\0--opt=$HOME";
	char big[4096];

	after_us(5000000);
	on(2, 1051, "bash");
	forked(26000, 1060);
	after_us(400);
	on(2, 1060, "ec\033[ho]=x");
	exec_bytes(300, ALICE, "pts/0", "/bin/echo", hostile, sizeof(hostile), sizeof(hostile));
	after_us(900);
	exits(700, 0, 0);
	after_us(2500000);
	memset(big, 'A', sizeof(big));
	memcpy(big, "printf\0%s\\n", 11);
	on(2, 1051, "bash");
	forked(28000, 1061);
	after_us(350);
	on(2, 1061, "printf");
	exec_bytes(300, ALICE, "pts/0", "/usr/bin/printf", big, sizeof(big), 131072);
	after_us(1000);
	exits(900, 0, SIGKILL);
	after_us(1000);
	on(0, 4711, "deploy");
	put(SSHOBS_MARK, 0, &(struct sshobs_mark){ .text_len = 20 }, sizeof(struct sshobs_mark),
	    "deploy \033[31mstarted\n", 20);
}

static void login_ends(void)
{
	after_us(900000);
	on(2, 1051, "bash");
	exits(31000, 0, 0);
	after_us(3000);
	on(2, 1050, "sshd");
	exits(9000, 255, 0);
	after_us(1000);
	on(2, 1022, "sshd");
	closes(ipv4(7, 51512), 4182, 6110, 0);
	after_us(40);
	exits(39000, 255, 0);
	after_us(5);
	ends(now - 1071205412873ULL, 12, 11, 0, 0);
}

static void refused(void)
{
	after_us(200);
	on(4, 888, "sshd");
	accept_from(ipv6(0x99, 33333, 2), ipv6(1, 22, 2), SSHOBS_ACCEPT, 0);
	after_us(80);
	closes(ipv6(0x99, 33333, 2), 0, 39, SSHOBS_CLOSE_RESET);
	after_us(5);
	ends(85000, 0, 0, SSHOBS_END_REFUSED, 0);
}

/* Session 5: nothing but its last records is left, after a loss. */
static void after_loss(void)
{
	on(0, 0, "");
	PUT(SSHOBS_LOST, 0, (struct sshobs_lost){ .count = 1234 });
	seq += 1233;
	session_seqs[5] = 17;
	after_us(3000000);
	on(5, 1201, "bash");
	EXEC(700, BOB, "", "/bin/bash", "bash\0-c\0sleep 60");
	after_us(100);
	on(5, 1199, "sshd");
	closes(ipv4(8, 2222), 100, 200, SSHOBS_CLOSE_RESET);
	/* A type that this version does not know. */
	after_us(10);
	put(999, 0, "future..", 8, "", 0);
	after_us(10);
	on(5, 1201, "bash");
	session_seqs[5] += 2;
	exits(900, 0, SIGHUP);
}

/* Each process of a server makes one more: whoever goes down that tree must not need a stack for it. */
static void deep(void)
{
	uint32_t pid;

	on(1, 900, "sshd");
	accept_from(ipv4(7, 40000), ipv4(1, 22), SSHOBS_ACCEPT, 0);
	for (pid = 1000; pid < 11000; pid++) {
		after_us(10);
		forked(10, pid);
		on(1, pid, "sshd");
	}
}

int main(int argc, char **argv)
{
	static const struct origin origin = {
		.host = "golden\033[1m",
		.boot_id = "3d2b6c1e-0000-4000-8000-00000000cafe",
		.kernel = "6.1.0-26-amd64",
		.realtime_offset_ns = 1795339728000000000LL,
		.time_ns = 1071204512873ULL,
	};

	out = stdout;
	if (capture_write(out, &origin))
		return 1;
	if (argc > 1 && strcmp(argv[1], "logins") == 0) {
		logins();
		return fclose(out) ? 1 : 0;
	}
	if (argc > 1 && strcmp(argv[1], "outcomes") == 0) {
		outcomes();
		return fclose(out) ? 1 : 0;
	}
	if (argc > 1 && strcmp(argv[1], "deep") == 0) {
		deep();
		return fclose(out) ? 1 : 0;
	}
	adopted();
	login_server();
	command_begins();
	login_motd();
	command_ends();
	login_shell();
	login_works();
	refused();
	login_ends();
	after_loss();
	negotiations();
	return fclose(out) ? 1 : 0;
}
