// SPDX-License-Identifier: GPL-2.0
/*
 * flood connect|kex|syn|login|bomb COUNT: what strangers on the network, or users, do to
 * port 22 of this machine, COUNT times, and on until the standard input ends. Prints
 * "begun" when it has done all that it holds open, or a part of what it does in passing,
 * and in the end how many there were.
 *
 *   connect	open a connection and hang up
 *   kex	send a version and half of a KEXINIT, and hold the connection
 *   syn	send a SYN, and never hear of what it is answered with
 *   login	log in to a server of its own, become a program that ends at once, log out
 *   bomb	log in to a server of its own, and fork there as often as nproc lets it, in
 *		each child, too
 */
#include <arpa/inet.h>
#include <errno.h>
#include <error.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define PORT_SSH	22
#define SERVER		INADDR_LOOPBACK
/* Where the connections come from: not from where a login does. */
#define STRANGER	(SERVER + 2)
/* 127.66.0.0/16, one SYN from each of its addresses in turn. */
#define STRANGERS	0x7f420000

/* The server's accept queue holds 128: one more would be refused by the kernel. */
#define BATCH		64
/* So few SYNs at once that no queue of the loopback device runs over. */
#define SYN_BATCH	50
#define SYN_PAUSE_US	1000

/* A user without an account, and what he may have. */
#define USER		54321
#define USER_NPROC	100
/* Bytes of environment that a login is given: the module keeps them while it lasts. */
#define ENVIRONMENT	3500
/* Forks that a process of the bomb tries, and its pause where one failed. */
#define BOMB_FORKS	8
#define BOMB_PAUSE_US	100000

static bool input_ended(int timeout_ms)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char byte;

	return poll(&poll_fd, 1, timeout_ms) == 1 && read(STDIN_FILENO, &byte, 1) <= 0;
}

static void begun(void)
{
	puts("begun");
	fflush(stdout);
}

static int connect_ssh(void)
{
	struct sockaddr_in own = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = htonl(STRANGER),
	};
	struct sockaddr_in server = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT_SSH),
		.sin_addr.s_addr = htonl(SERVER),
	};
	int sock = socket(AF_INET, SOCK_STREAM, 0), on = 1;

	if (sock < 0)
		error(1, errno, "socket");
	/* A port that is free towards the server will do. */
	setsockopt(sock, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on));
	if (bind(sock, (struct sockaddr *)&own, sizeof(own)))
		error(1, errno, "bind");
	if (connect(sock, (struct sockaddr *)&server, sizeof(server)))
		error(1, errno, "connect");
	return sock;
}

/* The server's first bytes, or that it hung up: it has accepted. */
static void await_server(int sock)
{
	char bytes[64];

	if (read(sock, bytes, sizeof(bytes)) < 0 && errno != ECONNRESET)
		error(1, errno, "read");
}

/* Connections are accepted in their order: with the last one of a batch, all of it were. */
static unsigned int flood_connect(unsigned int count)
{
	unsigned int i = 0;
	int sock;

	while (i < count || i % BATCH || !input_ended(0)) {
		sock = connect_ssh();
		i++;
		if (i % BATCH == 0)
			await_server(sock);
		close(sock);
		if (i == BATCH)
			begun();
	}
	return i;
}

static void send_half_kexinit(int sock)
{
	static const char version[] = "SSH-2.0-flood\r\n";
	/* A length of 1020 bytes, 4 bytes of padding, and the message's number. */
	uint8_t packet[512] = { 0, 0, 1020 >> 8, 1020 & 255, 4, 20 };

	if (write(sock, version, strlen(version)) != (ssize_t)strlen(version) ||
	    write(sock, packet, sizeof(packet)) != sizeof(packet))
		error(1, errno, "write");
}

static unsigned int flood_kex(unsigned int count)
{
	int *socks = calloc(count, sizeof(*socks));
	unsigned int i;

	if (!socks)
		error(1, errno, "calloc");
	for (i = 0; i < count; i++) {
		socks[i] = connect_ssh();
		send_half_kexinit(socks[i]);
		if ((i + 1) % BATCH == 0)
			await_server(socks[i]);
	}
	for (i = 0; i < count; i++)
		if ((i + 1) % BATCH)
			await_server(socks[i]);
	begun();
	while (!input_ended(-1))
		;
	for (i = 0; i < count; i++)
		close(socks[i]);
	free(socks);
	return count;
}

/* RFC 1071, over the segment and the pseudo header of RFC 9293, whose length is even. */
static uint16_t checksum(const struct iphdr *ip, const struct tcphdr *tcp)
{
	struct {
		uint32_t	saddr;
		uint32_t	daddr;
		uint16_t	protocol;
		uint16_t	len;
		struct tcphdr	tcp;
	} all = { ip->saddr, ip->daddr, htons(IPPROTO_TCP), htons(sizeof(*tcp)), *tcp };
	uint16_t words[sizeof(all) / 2];
	uint32_t sum = 0;
	size_t i;

	memcpy(words, &all, sizeof(all));
	for (i = 0; i < sizeof(all) / 2; i++)
		sum += words[i];
	sum = (sum >> 16) + (sum & 0xffff);
	return ~(sum + (sum >> 16));
}

static void send_syn(int sock, unsigned int number)
{
	struct {
		struct iphdr	ip;
		struct tcphdr	tcp;
	} packet = {
		.ip.version = 4,
		.ip.ihl = sizeof(struct iphdr) / 4,
		.ip.ttl = 64,
		.ip.protocol = IPPROTO_TCP,
		.ip.saddr = htonl(STRANGERS | (number & 0xffff)),
		.ip.daddr = htonl(SERVER),
		.tcp.source = htons(1024 + (number >> 16)),
		.tcp.dest = htons(PORT_SSH),
		.tcp.seq = htonl(number),
		.tcp.doff = sizeof(struct tcphdr) / 4,
		.tcp.syn = 1,
		.tcp.window = htons(64000),
	};
	struct sockaddr_in server = {
		.sin_family = AF_INET,
		.sin_addr.s_addr = packet.ip.daddr,
	};

	packet.tcp.check = checksum(&packet.ip, &packet.tcp);
	if (sendto(sock, &packet, sizeof(packet), 0, (struct sockaddr *)&server,
		   sizeof(server)) != sizeof(packet))
		error(1, errno, "sendto");
}

static unsigned int flood_syn(unsigned int count)
{
	int sock = socket(AF_INET, SOCK_RAW, IPPROTO_RAW);
	unsigned int i = 0;

	if (sock < 0)
		error(1, errno, "socket");
	while (i < count || i % SYN_BATCH || !input_ended(0)) {
		send_syn(sock, i++);
		if (i % SYN_BATCH == 0)
			usleep(SYN_PAUSE_US);
		if (i == SYN_BATCH)
			begun();
	}
	close(sock);
	return i;
}

static int listen_ssh(void)
{
	struct sockaddr_in server = {
		.sin_family = AF_INET,
		.sin_port = htons(PORT_SSH),
		.sin_addr.s_addr = htonl(SERVER),
	};
	int sock = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	if (sock < 0)
		error(1, errno, "socket");
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, (struct sockaddr *)&server, sizeof(server)) || listen(sock, BATCH))
		error(1, errno, "port 22");
	return sock;
}

/* Log in: a child of the server plays the user. Return the client's end. */
static int log_in(int listener, void (*play)(void), pid_t *user)
{
	int client = connect_ssh(), sock = accept(listener, NULL, NULL);

	if (sock < 0)
		error(1, errno, "accept");
	*user = fork();
	if (!*user) {
		close(client);
		play();
	}
	if (*user < 0)
		error(1, errno, "fork");
	close(sock);
	return client;
}

/* Until all of a login is gone. */
static void log_out(int client, pid_t user)
{
	close(client);
	if (waitpid(user, NULL, 0) != user)
		error(1, errno, "waitpid");
}

/* The smallest program that there is: how it is loaded is not the point. */
static void become_program(void)
{
	static char variable[ENVIRONMENT] = "VARIABLE=";

	memset(variable + strlen(variable), 'v', sizeof(variable) - strlen(variable) - 1);
	execle("/bin/busybox", "true", NULL, (char *[]){ variable, NULL });
	_exit(127);
}

static unsigned int flood_login(unsigned int count)
{
	int listener = listen_ssh(), client;
	unsigned int i = 0;
	pid_t user;

	while (i < count || !input_ended(0)) {
		client = log_in(listener, become_program, &user);
		log_out(client, user);
		if (++i == BATCH)
			begun();
	}
	return i;
}

/* Shared by all processes of the bomb. */
static struct {
	unsigned int	forks;
	unsigned int	failed;
	bool		over;
} volatile *bomb;

static void bomb_fork(void)
{
	pid_t child = fork();

	__atomic_fetch_add(&bomb->forks, 1, __ATOMIC_SEQ_CST);
	if (!child) {
		for (int i = 0; i < BOMB_FORKS && !bomb->over; i++)
			bomb_fork();
		_exit(0);
	}
	if (child < 0) {
		__atomic_fetch_add(&bomb->failed, 1, __ATOMIC_SEQ_CST);
		usleep(BOMB_PAUSE_US);
	}
}

static void explode(void)
{
	const struct rlimit nproc = { USER_NPROC, USER_NPROC };

	/* Somebody else wants to log in, on this machine. */
	if (nice(19) != 19 || setrlimit(RLIMIT_NPROC, &nproc) || setuid(USER))
		_exit(1);
	while (!bomb->over) {
		bomb_fork();
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	_exit(0);
}

static unsigned int flood_bomb(unsigned int count)
{
	int client;
	pid_t user;

	bomb = mmap(NULL, sizeof(*bomb), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		    -1, 0);
	if ((void *)bomb == MAP_FAILED)
		error(1, errno, "mmap");
	client = log_in(listen_ssh(), explode, &user);
	while (!bomb->failed && !waitpid(user, NULL, WNOHANG))
		usleep(BOMB_PAUSE_US);
	begun();
	while (bomb->forks < count || !input_ended(0))
		usleep(BOMB_PAUSE_US);
	bomb->over = true;
	log_out(client, user);
	return bomb->forks;
}

int main(int argc, char **argv)
{
	static const struct {
		const char	*name;
		unsigned int	(*run)(unsigned int count);
	} floods[] = {
		{ "connect", flood_connect },
		{ "kex", flood_kex },
		{ "syn", flood_syn },
		{ "login", flood_login },
		{ "bomb", flood_bomb },
	};
	size_t i;

	for (i = 0; argc == 3 && i < sizeof(floods) / sizeof(floods[0]); i++) {
		if (strcmp(argv[1], floods[i].name))
			continue;
		printf("%u\n", floods[i].run(strtoul(argv[2], NULL, 10)));
		return 0;
	}
	error(2, 0, "usage: flood connect|kex|syn|login|bomb COUNT");
}
