// SPDX-License-Identifier: GPL-2.0
/*
 * bench WHAT N: does WHAT N times, and prints what one time took: the lower decile.
 *
 *	fork		fork + exec + wait
 *	session		the same as a member of a session: accepts a connection of its own
 *			on port 22, and its child, which holds it, does the work
 *	ping-pong	a byte to another process and back, over TCP on loopback
 *	accept		a connection to another process, which polls, accepts and closes it
 *	proc		status, limits and all of fd of a bash, read through /proc
 *	snapshot	the same of SSHOBS_IOC_SNAPSHOT
 *
 * bench spin: takes the time that nobody else wants, so that the processor never idles.
 *
 * Under --icount the guest's clock counts instructions: a nanosecond is one. It jumps
 * where the processor idles. The lower decile is a time that no timer of the kernel fell
 * into, and whose memory came and went by the shortest ways of the allocator: which ways
 * the others take changes now and then, for many of them at once.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <error.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "../../uapi/sshobs.h"

#define WARM_UP	 100
#define PORT	 4711
#define PORT_SSH 22

extern char **environ;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t lower_decile(void (*once)(void), unsigned int n)
{
	uint64_t *took = calloc(n, sizeof(*took));
	uint64_t start, decile;

	for (unsigned int i = 0; i < WARM_UP; i++)
		once();
	for (unsigned int i = 0; i < n; i++) {
		start = now();
		once();
		took[i] = now() - start;
	}
	qsort(took, n, sizeof(*took), compare);
	decile = took[n / 10];
	free(took);
	return decile;
}

/* --- fork + exec + wait ------------------------------------------------------ */

/* What is run is this very program, static, from a tmpfs: no disk, no linker. */
static void fork_exec_wait(void)
{
	char *argv[] = { "bench", NULL };
	pid_t pid = fork();
	int status;

	if (pid < 0)
		error(1, errno, "fork");
	if (!pid) {
		execve("/proc/self/exe", argv, environ);
		_exit(127);
	}
	if (waitpid(pid, &status, 0) != pid || status)
		error(1, 0, "the child ended with status %d", status);
}

/* --- TCP --------------------------------------------------------------------- */

static struct sockaddr_in address(uint16_t port)
{
	return (struct sockaddr_in){
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
}

static int listen_on(uint16_t port)
{
	struct sockaddr_in addr = address(port);
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1))
		error(1, errno, "port %u", port);
	return listener;
}

static int connect_to(uint16_t port)
{
	struct sockaddr_in addr = address(port);
	int sock = socket(AF_INET, SOCK_STREAM, 0);

	if (connect(sock, (struct sockaddr *)&addr, sizeof(addr)))
		error(1, errno, "connect to port %u", port);
	return sock;
}

/* The other process; it ends with this one. */
static void start_server(void (*serve)(int listener))
{
	int listener = listen_on(PORT);
	pid_t pid = fork();

	if (pid < 0)
		error(1, errno, "fork");
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener);
		_exit(0);
	}
	close(listener);
}

static void serve_ping_pong(int listener)
{
	int sock = accept(listener, NULL, NULL);
	char byte;

	while (read(sock, &byte, 1) == 1 && write(sock, &byte, 1) == 1)
		;
}

static int ball;

static void ping_pong(void)
{
	char byte = 0;

	if (write(ball, &byte, 1) != 1 || read(ball, &byte, 1) != 1)
		error(1, errno, "ping-pong");
}

static void serve_accept(int listener)
{
	struct pollfd poll_fd = { .fd = listener, .events = POLLIN };
	int sock;

	while (poll(&poll_fd, 1, -1) == 1) {
		sock = accept(listener, NULL, NULL);
		if (sock < 0)
			error(1, errno, "accept");
		close(sock);
	}
}

static void connect_read_close(void)
{
	int sock = connect_to(PORT);
	char byte;

	if (read(sock, &byte, 1))
		error(1, errno, "the server did not just close");
	close(sock);
}

/* Become the child of a server, with one connection, of which the client is here too. */
static void enter_session(void)
{
	int listener = listen_on(PORT_SSH), status;
	pid_t pid;

	connect_to(PORT_SSH);
	if (accept(listener, NULL, NULL) < 0)
		error(1, errno, "accept");
	pid = fork();
	if (!pid)
		return;
	if (waitpid(pid, &status, 0) != pid)
		error(1, errno, "wait");
	exit(WEXITSTATUS(status));
}

/* --- a process that is looked at ---------------------------------------------- */

static pid_t bash;
static int proc, device;

/* One that waits for its input, as at a prompt. */
static void start_bash(void)
{
	int input[2];
	char path[32];

	if (pipe(input))
		error(1, errno, "pipe");
	bash = fork();
	if (!bash) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(input[0], STDIN_FILENO);
		execl("/bin/bash", "bash", NULL);
		_exit(127);
	}
	/* Long enough for it to have come to rest. */
	sleep(2);
	snprintf(path, sizeof(path), "/proc/%d", bash);
	proc = open(path, O_PATH | O_DIRECTORY);
	device = open("/dev/sshobs", O_RDONLY);
	if (proc < 0 || device < 0)
		error(1, errno, "%s, or /dev/sshobs", path);
}

static void read_file(const char *name)
{
	int fd = openat(proc, name, O_RDONLY);
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
	close(fd);
}

static void read_proc(void)
{
	DIR *dir = fdopendir(openat(proc, "fd", O_RDONLY | O_DIRECTORY));
	const struct dirent *entry;
	char target[4096];

	while ((entry = readdir(dir)))
		if (entry->d_name[0] != '.' &&
		    readlinkat(dirfd(dir), entry->d_name, target, sizeof(target)) < 0)
			error(1, errno, "%s", entry->d_name);
	closedir(dir);
	read_file("status");
	read_file("limits");
}

static void take_snapshot(void)
{
	static char buf[65536];
	struct sshobs_snapshot snapshot = { .pid = bash, .buf = (uintptr_t)buf };

	for (snapshot.what = SSHOBS_SNAPSHOT_TASK; snapshot.what <= SSHOBS_SNAPSHOT_FDS;
	     snapshot.what++) {
		snapshot.buf_len = sizeof(buf);
		if (ioctl(device, SSHOBS_IOC_SNAPSHOT, &snapshot))
			error(1, errno, "snapshot");
	}
}

static void spin(void)
{
	struct sched_param param = { 0 };

	if (sched_setscheduler(0, SCHED_IDLE, &param))
		error(1, errno, "SCHED_IDLE");
	for (;;)
		__asm__ volatile("");
}

int main(int argc, char **argv)
{
	void (*once)(void) = fork_exec_wait;

	if (argc == 1)
		return 0;
	if (argc == 2 && !strcmp(argv[1], "spin"))
		spin();
	if (argc != 3)
		error(64, 0,
		      "usage: bench fork|session|ping-pong|accept|proc|snapshot N, or bench spin");
	if (!strcmp(argv[1], "session"))
		enter_session();
	if (!strcmp(argv[1], "ping-pong")) {
		start_server(serve_ping_pong);
		ball = connect_to(PORT);
		once = ping_pong;
	}
	if (!strcmp(argv[1], "accept")) {
		start_server(serve_accept);
		once = connect_read_close;
	}
	if (!strcmp(argv[1], "proc") || !strcmp(argv[1], "snapshot")) {
		start_bash();
		once = !strcmp(argv[1], "proc") ? read_proc : take_snapshot;
	}
	printf("%llu\n", (unsigned long long)lower_decile(once, strtoul(argv[2], NULL, 10)));
	return 0;
}
