// SPDX-License-Identifier: GPL-2.0
/*
 * bench fork|session N: the median time of N times fork + exec + wait. "session" does
 * the same as a member of a session: it accepts a connection of its own on port 22,
 * and its child, which holds it, does the work.
 *
 * Under --icount the guest's clock counts instructions: a nanosecond is one. The
 * median is a time that no timer of the kernel fell into.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define WARM_UP 50

extern char **environ;

static uint64_t now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

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

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return x < y ? -1 : x > y;
}

static uint64_t median(unsigned int n)
{
	uint64_t *took = calloc(n, sizeof(*took));
	uint64_t start, mid;

	for (unsigned int i = 0; i < WARM_UP; i++)
		fork_exec_wait();
	for (unsigned int i = 0; i < n; i++) {
		start = now();
		fork_exec_wait();
		took[i] = now() - start;
	}
	qsort(took, n, sizeof(*took), compare);
	mid = took[n / 2];
	free(took);
	return mid;
}

/* Become the child of a server, with one connection, of which the client is here too. */
static void enter_session(void)
{
	struct sockaddr_in addr = {
		.sin_family = AF_INET,
		.sin_port = htons(22),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int listener = socket(AF_INET, SOCK_STREAM, 0);
	int client = socket(AF_INET, SOCK_STREAM, 0);
	int one = 1, status;
	pid_t pid;

	setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) || listen(listener, 1) ||
	    connect(client, (struct sockaddr *)&addr, sizeof(addr)) ||
	    accept(listener, NULL, NULL) < 0)
		error(1, errno, "port 22");
	pid = fork();
	if (!pid)
		return;
	if (waitpid(pid, &status, 0) != pid)
		error(1, errno, "wait");
	exit(WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	unsigned int n;

	if (argc == 1)
		return 0;
	if (argc != 3)
		error(64, 0, "usage: bench fork|session N");
	n = strtoul(argv[2], NULL, 10);
	if (!strcmp(argv[1], "session"))
		enter_session();
	printf("%llu\n", (unsigned long long)median(n));
	return 0;
}
