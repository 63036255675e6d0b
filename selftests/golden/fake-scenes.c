// SPDX-License-Identifier: GPL-2.0
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#include "fake-processes.h"

#define STRINGS(s) s, sizeof(s)

static void privileged(const char *comm, const char *title, unsigned int terminals)
{
	fake_process(100, 1, 0, comm, "", "/usr/sbin/sshd", title);
	/* The rest of the title, and what it was filled up with. */
	fake_environ(STRINGS("[priv]\0\0\0"));
	fake_exec_environ(STRINGS("LANG=C.UTF-8\0PATH=/usr/sbin:/usr/bin\0SSHD_OPTS="));
	fake_file(0, "/dev/null", O_RDWR);
	fake_connection(4, 21034, FAKE_COOKIE);
	if (terminals)
		fake_ptmx(5, 0);
	fake_unix_socket(7, 21050, 21049);
}

static void of_the_user(const char *comm, const char *title)
{
	fake_process(110, 100, FAKE_UID, comm, "", "/usr/sbin/sshd", title);
	fake_environ("\0\0\0", 3);
	fake_file(0, "/dev/null", O_RDWR);
	fake_connection(4, 21034, FAKE_COOKIE);
	fake_unix_socket(5, 21049, 21050);
	fake_ptmx(8, 0);
	fake_ptmx(10, 0);
	fake_ptmx(11, 0);
}

static void shell(uint32_t pid, uint32_t ppid, uint32_t terminal)
{
	char tty[16];

	snprintf(tty, sizeof(tty), "pts/%u", terminal);
	fake_process(pid, ppid, FAKE_UID, "bash", tty, "/usr/bin/bash", "-bash");
	fake_environ(STRINGS("USER=alice\0HOME=/home/alice\0SSH_TTY=/dev/pts/0\0EDITOR=vi"));
	fake_pts(0, terminal);
	fake_pts(1, terminal);
	fake_pts(2, terminal);
	fake_pts(255, terminal);
}

static void openssh_8_4(void)
{
	privileged("sshd", "sshd: alice [priv]", 1);
	of_the_user("sshd", "sshd: alice@pts/0");
	shell(120, 110, 0);
}

/* Two processes of before authentication; then the same with names of their own. */
static void openssh_10(void)
{
	privileged("sshd-session", "sshd-session: alice [priv]", 0);
	fake_unix_socket(8, 21060, 21061);
	fake_process(105, 100, 105, "sshd-auth", "", "/usr/lib/openssh/sshd-auth",
		     "sshd-auth: alice [net]");
	fake_task()->seccomp = 2;
	fake_task()->no_new_privs = 1;
	fake_connection(3, 21034, FAKE_COOKIE);
	fake_unix_socket(5, 21049, 21050);
	fake_unix_socket(6, 21061, 21060);
	fake_pipe(7, 21070, O_WRONLY);
}

static void dropbear(void)
{
	fake_process(100, 1, 0, "dropbear", "", "/usr/sbin/dropbear", "/usr/sbin/dropbear");
	fake_environ(STRINGS("PATH=/usr/sbin:/usr/bin"));
	fake_connection(0, 21034, FAKE_COOKIE);
	/* To another host: not the session's. */
	fake_connection(5, 21035, 0x99);
	fake_ptmx(6, 0);
	shell(120, 100, 0);
}

/* A login with tmux, whose server is nobody's child and has the terminal of its client open. */
static void tmux(void)
{
	openssh_8_4();
	fake_process(130, 120, FAKE_UID, "tmux: client", "pts/0", "/usr/bin/tmux", "tmux");
	fake_pts(0, 0);
	fake_pts(1, 0);
	fake_pts(2, 0);
	fake_unix_socket(6, 22001, 22002);
	fake_process(131, 1, FAKE_UID, "tmux: server", "", "/usr/bin/tmux", "tmux");
	fake_pts(5, 0);
	fake_unix_socket(7, 22002, 22001);
	fake_ptmx(8, 1);
	fake_ptmx(9, 2);
	shell(140, 131, 1);
	shell(150, 131, 2);
	fake_process(160, 150, FAKE_UID, "ls", "pts/2", "/usr/bin/ls", "ls");
	fake_pts(0, 2);
	fake_pipe(1, 23000, O_WRONLY);
	fake_process(161, 150, FAKE_UID, "less", "pts/2", "/usr/bin/less", "less");
	fake_pipe(0, 23000, O_RDONLY);
	fake_pts(1, 2);
}

/* The connection is closed; what is left hangs on nothing, or is no ordinary process. */
static void left(void)
{
	fake_process(131, 1, FAKE_UID, "tmux: server", "", "/usr/bin/tmux", "tmux");
	fake_ptmx(8, 1);
	shell(140, 131, 1);
	fake_process(150, 1, FAKE_UID, "sleep", "", "/usr/bin/sleep", "sleep");
	fake_file(0, "/dev/null", O_RDWR);
	fake_process(160, 140, FAKE_UID, "gone", "pts/1", "", "");
	fake_task()->state = 'Z';
	fake_task()->vm_kb = 0;
	fake_newest()->len[SSHOBS_SNAPSHOT_ARGV - 1] = 0;
}

/* What a user can put into names, and a kernel of tomorrow into numbers. */
static void hostile(void)
{
	struct sshobs_fd fd = { .fd = 9,
				.kind = 77,
				.pts = SSHOBS_NO_PTS,
				.family = 250,
				.state = 99,
				.type = 44,
				.protocol = 555 };

	privileged("\033[31mroot", "sshd: \033]0;owned\007 [priv]", 1);
	of_the_user("\n[1]: alice", "a\xff\xfe");
	shell(120, 110, 0);
	fake_task()->state = '\033';
	memcpy(fake_task()->comm, "0123456789abcdef", 16);
	memcpy(fake_task()->tty, "\033[2Jpts/01234567", 16);
	fake_cut(SSHOBS_SNAPSHOT_ARGV);
	fake_cut(SSHOBS_SNAPSHOT_ENVIRON);
	fake_environ(STRINGS("PATH=\033[2J\nFAKE=1\0SSH_\xc2\x9bX=\xe2\x80\xae\0LC_BYTES=\xff"));
	fake_fd((struct sshobs_fd){ .fd = 256, .pts = SSHOBS_NO_PTS }, "/tmp/a\nb\033[1m", "", "",
		NULL);
	fd.fd = 257;
	fd.kind = SSHOBS_FD_SOCKET;
	fake_fd(fd, "socket:[1]", "", "", NULL);
	fd.fd = 258;
	fd.family = AF_UNIX;
	fd.local_name_len = 6;
	fd.peer_name_len = 4;
	fake_fd(fd, "socket:[2]", "\0ab\033\ncd", "/\x9b/x", NULL);
	fd.fd = 259;
	fd.kind = 77;
	fake_fd(fd, "anon_inode:[new]", "\0ab\033\ncd", "/\x9b/x", NULL);
}

int fake_scene(const char *name)
{
	/* clang-format off */
	static const struct {
		const char *name;
		void (*make)(void);
	} scenes[] = {
		{ "openssh-8.4",	openssh_8_4 },
		{ "openssh-10",		openssh_10 },
		{ "dropbear",		dropbear },
		{ "tmux",		tmux },
		{ "left",		left },
		{ "hostile",		hostile },
	};
	/* clang-format on */
	size_t i;

	fake_forget();
	for (i = 0; i < sizeof(scenes) / sizeof(scenes[0]); i++) {
		if (strcmp(scenes[i].name, name) == 0) {
			scenes[i].make();
			return 0;
		}
	}
	return -1;
}
