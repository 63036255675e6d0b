// SPDX-License-Identifier: GPL-2.0
/*
 * A login whose processes sleep in the functions that are probed, as many as it likes:
 * /proc says that they do. No other login loses anything by it, and of its own calls each
 * is told, or counted as unwatched and marked on its session.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/userfaultfd.h>
#include <netinet/in.h>
#include <pty.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

/* Calls of one session that are watched at once. */
#define SHARE		32
#define SHM		"/dev/shm/selftest-"
#define LEASED		SHM "leased"
#define SCRIPT		SHM "script"
#define LOG_DIR		SHM "dev"
#define LOG_SOCKET	LOG_DIR "/dev-log"
#define FULL_SOCKET	SHM "full"
#define LOCKED_DIR	SHM "locked"
#define LOCKED_SOCKET	LOCKED_DIR "/socket"

/* More than the share of a session, whatever the scale. */
static unsigned int blockers(void)
{
	unsigned int count = scaled(200);

	return count < SHARE + 8 ? SHARE + 8 : count;
}

/* What holds them back, in the test; and the terminal or the socket that they share. */
static int obstacle = -1, shared = -1;

static struct sockaddr_un unix_address(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };

	strcpy(address.sun_path, path);
	return address;
}

static int unix_bound(int type, const char *path)
{
	const struct sockaddr_un address = unix_address(path);
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	unlink(path);
	return bind(sock, (const struct sockaddr *)&address, sizeof(address)) ? -1 : sock;
}

static int unix_connected(int type, const char *path, int flags)
{
	const struct sockaddr_un address = unix_address(path);
	int sock = socket(AF_UNIX, type | SOCK_CLOEXEC | flags, 0);

	if (!connect(sock, (const struct sockaddr *)&address, sizeof(address)))
		return sock;
	close(sock);
	return -1;
}

/* --- vfork(): as long as the child lives ------------------------------------- */

static bool prepare_nothing(void)
{
	return true;
}

static void block_in_vfork(void)
{
	char byte;

	if (!vfork()) {
		/* Only system calls here: the memory is the parent's. */
		(void)!read(hold, &byte, 1);
		_exit(5);
	}
	errno = 0;
}

/* --- execve(): as long as somebody has a lease on the file, and is not asked twice --- */

/*
 * Not executable at all, which the kernel learns when it reads it. Of text it knows that no
 * module would help, and does not run modprobe for each of them.
 */
static bool prepare_lease(void)
{
	signal(SIGIO, SIG_IGN);
	if (!write_file("/proc/sys/fs/lease-break-time", "600", 3) ||
	    !write_file(LEASED, "no program\n", 11) || chmod(LEASED, 0755) ||
	    !write_file(SCRIPT, "#!" LEASED "\n", strlen(LEASED) + 3) || chmod(SCRIPT, 0755))
		return false;
	obstacle = open(LEASED, O_RDWR | O_CLOEXEC);
	return !fcntl(obstacle, F_SETLEASE, F_WRLCK);
}

static void block_in_exec(void)
{
	close(obstacle);
	execl(LEASED, "program", NULL);
}

static void block_in_exec_of_script(void)
{
	close(obstacle);
	execl(SCRIPT, "program", NULL);
}

/* --- connect(): as long as nobody accepts ------------------------------------- */

static bool prepare_full_unix_socket(void)
{
	obstacle = unix_bound(SOCK_STREAM, FULL_SOCKET);
	if (obstacle < 0 || listen(obstacle, 0))
		return false;
	while (unix_connected(SOCK_STREAM, FULL_SOCKET, SOCK_NONBLOCK) >= 0)
		;
	return errno == EAGAIN;
}

static void block_in_unix_connect(void)
{
	close(obstacle);
	unix_connected(SOCK_STREAM, FULL_SOCKET, 0);
}

static bool prepare_full_tcp_socket(void)
{
	obstacle = listen_on(AF_INET, 0);
	/* One connection has room, and what comes then is dropped. */
	return obstacle >= 0 && !listen(obstacle, 0) &&
	       connect_to(AF_INET, port_of(obstacle), NULL) >= 0;
}

static void block_in_tcp_connect(void)
{
	connect_to(AF_INET, port_of(obstacle), NULL);
}

/* --- connect(), where nobody is waited for: as long as somebody has a lock -------- */

/* Who has the lock. */
static pid_t holder;

/* A page of this process, which sleeps when it touches it until it is killed. */
static void *page_that_never_comes(void)
{
	struct uffdio_api api = { .api = UFFD_API };
	struct uffdio_register page = { .range.len = 4096, .mode = UFFDIO_REGISTER_MODE_MISSING };
	int fd = syscall(SYS_userfaultfd, O_CLOEXEC);

	page.range.start = (uintptr_t)mmap(NULL, page.range.len, PROT_READ | PROT_WRITE,
					   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (ioctl(fd, UFFDIO_API, &api) || ioctl(fd, UFFDIO_REGISTER, &page))
		_exit(126);
	return (void *)(uintptr_t)page.range.start;
}

/* A socket is locked while a part of a datagram is put together. */
static bool prepare_locked_socket(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	shared = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	holder = fork();
	if (!holder) {
		sendto(shared, page_that_never_comes(), 1, MSG_MORE,
		       (const struct sockaddr *)&address, sizeof(address));
		_exit(126);
	}
	return wait_in_function(holder, "udp_sendmsg");
}

static void block_in_udp_connect(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET, .sin_port = htons(9), .sin_addr = { htonl(INADDR_LOOPBACK) },
	};

	connect(shared, (const struct sockaddr *)&address, sizeof(address));
}

/* A folder is locked for writers while it is listed, and for all once a writer waits. */
static bool prepare_locked_folder(void)
{
	pid_t writer;
	int dir;

	mkdir(LOCKED_DIR, 0755);
	dir = open(LOCKED_DIR, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	holder = fork();
	if (!holder) {
		syscall(SYS_getdents64, dir, page_that_never_comes(), 4096);
		_exit(126);
	}
	close(dir);
	if (!wait_in_function(holder, "iterate_dir"))
		return false;
	writer = fork();
	if (!writer) {
		mkdir(LOCKED_DIR "/new", 0755);
		_exit(0);
	}
	return wait_in_function(writer, "mkdir");
}

/* It looks the socket up. */
static void block_in_unix_dgram_connect(void)
{
	unix_connected(SOCK_DGRAM, LOCKED_SOCKET, 0);
}

/* --- and what is told when it begins ------------------------------------------- */

static bool prepare_listener(void)
{
	obstacle = listen_on(AF_INET, 0);
	return obstacle >= 0;
}

static void block_in_accept(void)
{
	accept(obstacle, NULL, NULL);
}

static bool prepare_terminal(void)
{
	return !openpty(&obstacle, &shared, NULL, NULL, NULL);
}

static void block_in_tty_read(void)
{
	char byte;

	close(obstacle);
	(void)!read(shared, &byte, 1);
}

static bool prepare_full_log(void)
{
	int sock;

	mkdir(LOG_DIR, 0755);
	obstacle = unix_bound(SOCK_DGRAM, LOG_SOCKET);
	sock = unix_connected(SOCK_DGRAM, LOG_SOCKET, SOCK_NONBLOCK);
	while (send(sock, "<13>full", 8, 0) == 8)
		;
	return obstacle >= 0 && errno == EAGAIN;
}

static void block_in_log(void)
{
	const struct sockaddr_un address = unix_address(LOG_SOCKET);
	int sock = socket(AF_UNIX, SOCK_DGRAM, 0);

	close(obstacle);
	sendto(sock, "<13>blocked", 11, 0, (const struct sockaddr *)&address, sizeof(address));
}

/* --- close(): as long as what was sent is not acknowledged ----------------------- */

/* One connects at a time: those that do so at once have a share of their own. */
static int turn;

static bool prepare_deaf_listener(void)
{
	const int least = 1;

	turn = memfd_create("turn", MFD_CLOEXEC);
	obstacle = listen_on(AF_INET, 0);
	/* Those that are accepted, which none is, have it from here. */
	return obstacle >= 0 && !listen(obstacle, 1024) &&
	       !setsockopt(obstacle, SOL_SOCKET, SO_RCVBUF, &least, sizeof(least));
}

static void block_in_close(void)
{
	const struct linger linger = { .l_onoff = 1, .l_linger = 2 * SECONDS };
	const int least = 1;
	char bytes[4096] = "";
	int sock;

	if (lockf(turn, F_LOCK, 0))
		return;
	sock = connect_to(AF_INET, port_of(obstacle), NULL);
	close(turn);
	close(obstacle);
	setsockopt(sock, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	setsockopt(sock, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	while (send(sock, bytes, sizeof(bytes), MSG_DONTWAIT) > 0)
		;
	close(sock);
}

/* --- the tests ----------------------------------------------------------------- */

FIXTURE(blocked) {
	struct log	log;
	pid_t		server;
	int		client;
	int		release;
	uint64_t	session;
};

FIXTURE_VARIANT(blocked) {
	bool		(*prepare)(void);
	void		(*block)(void);
	long		nr;		/* the system call that they sleep in */
	const char	*function;	/* or the function of the kernel */
	unsigned int	type;		/* of the records that tell how a call ended; 0: none */
	bool		all_told;	/* when it begins: each call has a record */
	bool		kill;		/* nothing else releases them at once */
};

FIXTURE_SETUP(blocked)
{
	clean_start();
	ASSERT_EQ(0, module_reload(PORTS));
	ASSERT_TRUE(log_open(&self->log));
}

FIXTURE_TEARDOWN(blocked)
{
	if (!_metadata->passed)
		log_print(&self->log, self->session);
	log_close(&self->log);
}

/* Its return probe holds its slot for as long as the child lives. */
FIXTURE_VARIANT_ADD(blocked, vfork) {
	.prepare = prepare_nothing,
	.block = block_in_vfork,
	.nr = -1,	/* of their children */
};

/* alloc_bprm() since 6.8, bprm_execve() before. */
FIXTURE_VARIANT_ADD(blocked, exec) {
	.prepare = prepare_lease,
	.block = block_in_exec,
	.nr = SYS_execve,
	.type = SSHOBS_EXEC_FAIL,
};

/* bprm_execve() */
FIXTURE_VARIANT_ADD(blocked, exec_of_script) {
	.prepare = prepare_lease,
	.block = block_in_exec_of_script,
	.nr = SYS_execve,
	.type = SSHOBS_EXEC_FAIL,
};

/* unix_stream_connect() */
FIXTURE_VARIANT_ADD(blocked, unix_connect) {
	.prepare = prepare_full_unix_socket,
	.block = block_in_unix_connect,
	.nr = SYS_connect,
	.type = SSHOBS_CONNECT,
};

/* inet_stream_connect() has no slots, but connections that are being made have a bound. */
FIXTURE_VARIANT_ADD(blocked, tcp_connect) {
	.prepare = prepare_full_tcp_socket,
	.block = block_in_tcp_connect,
	.nr = SYS_connect,
	.type = SSHOBS_CONNECT,
	.kill = true,
};

/* inet_dgram_connect(), which is not on the stack: it jumps to the protocol's own. */
FIXTURE_VARIANT_ADD(blocked, udp_connect) {
	.prepare = prepare_locked_socket,
	.block = block_in_udp_connect,
	.function = "lock_sock",
	.type = SSHOBS_CONNECT,
};

/* unix_dgram_connect() */
FIXTURE_VARIANT_ADD(blocked, unix_dgram_connect) {
	.prepare = prepare_locked_folder,
	.block = block_in_unix_dgram_connect,
	.function = "unix_dgram_connect",
	.type = SSHOBS_CONNECT,
};

/*
 * ptmx_open() waits for no person and no peer: of what it takes, tty_mutex and memory, nothing
 * can be held back from user space. The other probes fire where their function begins, have no
 * slots, and have nothing to lose by one that sleeps.
 */

/* inet_csk_accept() */
FIXTURE_VARIANT_ADD(blocked, accept) {
	.prepare = prepare_listener,
	.block = block_in_accept,
	.nr = SYS_accept,
	.kill = true,
};

/* n_tty_read() */
FIXTURE_VARIANT_ADD(blocked, tty_read) {
	.prepare = prepare_terminal,
	.block = block_in_tty_read,
	.nr = SYS_read,
};

/* tcp_close() */
FIXTURE_VARIANT_ADD(blocked, close) {
	.prepare = prepare_deaf_listener,
	.block = block_in_close,
	.nr = SYS_close,
};

/* unix_dgram_sendmsg() */
FIXTURE_VARIANT_ADD(blocked, log) {
	.prepare = prepare_full_log,
	.block = block_in_log,
	.nr = SYS_sendto,
	.type = SSHOBS_LOG,
	.all_told = true,
};

static void (*block)(void);

/* All of them are there before the first one blocks: no fork is beyond the share. */
static void blockers_part(int sock)
{
	unsigned int count = blockers(), i;
	int gate[2];

	(void)sock;
	if (pipe(gate))
		_exit(126);
	for (i = 0; i < count; i++) {
		if (born(0))
			continue;
		close(gate[1]);
		until_closed(gate[0]);
		errno = 0;
		block();
		leave(errno);
	}
	/* Whoever still has it keeps them from going on. */
	close(obstacle);
	close(gate[0]);
	close(gate[1]);
	while (wait(NULL) > 0)
		;
}

static void serve_blocked(void)
{
	int sock = take();

	/* The quiet login's server wants the ports. */
	close(listener);
	close(nested_listener);
	if (!born(0)) {
		blockers_part(sock);
		leave(3);
	}
	close(obstacle);
	hello(sock);
	close(sock);
}

/* A vfork() leaves no trace in /proc but its child, who sleeps in read(). */
static bool asleep_in_vfork(pid_t parent)
{
	char path[64], *children;
	uint64_t start = now_ms();
	pid_t child;

	snprintf(path, sizeof(path), "/proc/%d/task/%d/children", parent, parent);
	do {
		children = read_file(path);
		child = children ? atoi(children) : 0;
		free(children);
		if (child)
			return wait_in_syscall(child, SYS_read);
		usleep(1000);
	} while (now_ms() - start < SECONDS * 1000);
	return false;
}

static bool asleep(const FIXTURE_VARIANT(blocked) *variant, pid_t pid)
{
	if (variant->function)
		return wait_in_function(pid, variant->function);
	return variant->nr < 0 ? asleep_in_vfork(pid) : wait_in_syscall(pid, variant->nr);
}

/* Those that a record tells the end of, once each, with what they themselves got. */
static unsigned int count_told(struct __test_metadata *_metadata, FIXTURE_DATA(blocked) *self,
			       unsigned int type)
{
	unsigned int told = 0, i;
	ssize_t at;

	for (i = 1; i < scene->members; i++) {
		const struct member *member = &scene->member[i];
		int error = member->signal ? 0 : member->code;

		at = log_index(&self->log, OF(type, self->session, member->pid), 0);
		if (type == SSHOBS_CONNECT && at >= 0) {
			const struct sshobs_connect *rec = body(self->log.recs[at]);

			/* The second one of TCP's. */
			if (rec->flags & SSHOBS_CONNECT_BEGUN) {
				at = log_index(&self->log, OF(type, self->session, member->pid),
					       at + 1);
			}
		}
		if (at < 0)
			continue;
		told++;
		if (type == SSHOBS_CONNECT) {
			EXPECT_EQ(error, (int)((struct sshobs_connect *)body(self->log.recs[at]))->error);
		} else if (type == SSHOBS_EXEC_FAIL) {
			EXPECT_EQ(error, (int)((struct sshobs_exec_fail *)body(self->log.recs[at]))->error);
		}
	}
	return told;
}

static void release_all(FIXTURE_DATA(blocked) *self, struct scene *noisy, bool killing)
{
	unsigned int i;

	close(obstacle);
	close(self->release);
	if (holder)
		kill(holder, SIGKILL);
	for (i = 1; killing && i < noisy->members; i++) {
		noisy->member[i].signal = SIGKILL;
		kill(noisy->member[i].pid, SIGKILL);
	}
}

/* Play a login whose calls all have to be told. */
static void expect_quiet_login(struct __test_metadata *_metadata, FIXTURE_DATA(blocked) *self)
{
	FIXTURE_DATA(member) quiet = { .log = self->log };

	ASSERT_TRUE(make_failing());
	play(_metadata, &quiet, exec_in_vain);
	expect_failing(_metadata, &quiet);
	self->log = quiet.log;
}

TEST_F(blocked, processes_cost_no_other_login_anything_and_each_call_is_accounted_for)
{
	unsigned int count = blockers(), told, i;
	struct sshobs_stats stats, before;
	const struct sshobs_end *end;
	struct scene *noisy;

	ASSERT_TRUE(variant->prepare());
	block = variant->block;
	self->release = scene_start(AF_INET, serve_blocked, &self->server);
	ASSERT_LE(0, self->release);
	noisy = scene;
	self->client = connect_to(AF_INET, PORT, &noisy->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	self->session = log_wait_session(&self->log, noisy->conn[0].port);
	ASSERT_NE(0ULL, self->session);
	for (i = 1; i <= count; i++) {
		while (*(volatile pid_t *)&noisy->member[i].pid == 0)
			usleep(1000);
		ASSERT_TRUE(asleep(variant, noisy->member[i].pid))
			TH_LOG("number %u does not sleep", i);
	}

	before = stats_of(_metadata, self->log.fd);
	expect_quiet_login(_metadata, self);
	stats = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(before.unwatched, stats.unwatched);

	release_all(self, noisy, variant->kill);
	close(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	stats = stats_of(_metadata, self->log.fd);
	EXPECT_EQ(0ULL, stats.missed);
	end = body(log_find(&self->log, IN(SSHOBS_END, self->session)));
	scene = noisy;
	for (i = 0; i < scene->members; i++)
		expect_exit(_metadata, &self->log, self->session, &scene->member[i]);
	if (!variant->type && variant->nr >= 0) {
		/* Nothing to be told of them. */
		EXPECT_EQ(0ULL, stats.unwatched);
		EXPECT_EQ(0U, end->incomplete);
		return;
	}
	told = variant->type ? count_told(_metadata, self, variant->type) : SHARE;
	TH_LOG("%u of %u were told, %llu calls unwatched", told, count,
	       (unsigned long long)stats.unwatched);
	if (variant->all_told) {
		EXPECT_EQ(count, told);
		EXPECT_EQ(0U, end->incomplete);
		return;
	}
	EXPECT_LE((uint64_t)SHARE, told);
	EXPECT_LE(count, told + stats.unwatched);
	EXPECT_LE(count - SHARE, stats.unwatched);
	/* An execve can be two calls. */
	EXPECT_GE(2 * (count - SHARE), stats.unwatched);
	EXPECT_EQ((__u32)SSHOBS_INCOMPLETE_UNWATCHED, end->incomplete);
}

/* --- all slots of a function ----------------------------------------------------- */

#define LOGINS		34
#define EACH		(SHARE + 1)

/* As with all blockers, no fork is beyond the share. */
static void __attribute__((noreturn)) be_blocked_login(int until)
{
	int gate[2], i;

	if (pipe(gate))
		_exit(126);
	for (i = 0; i < EACH; i++) {
		if (fork())
			continue;
		close(gate[1]);
		until_closed(gate[0]);
		block_in_unix_connect();
		_exit(0);
	}
	close(obstacle);
	close(gate[0]);
	close(gate[1]);
	until_closed(until);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* A server whose children have children that block. */
static void __attribute__((noreturn)) serve_blockers(int from, int until)
{
	int i, sock;

	for (i = 0; i < LOGINS; i++) {
		sock = accept(from, NULL, NULL);
		if (!fork())
			be_blocked_login(until);
		close(sock);
	}
	close(obstacle);
	until_closed(until);
	while (wait(NULL) > 0)
		;
	_exit(0);
}

/* Each hit is told by somebody: the probe has counted those that it saw and those that it missed. */
TEST_F(member, a_miss_is_counted_and_marks_every_login)
{
	const struct sshobs_hdr *hdr;
	struct sshobs_probe probe, before;
	struct sshobs_stats stats;
	unsigned int told = 0, marked = 0;
	int client[LOGINS], until[2], from, i;
	uint64_t start = now_ms();
	pid_t server;
	size_t at;

	/* A fresh count of misses, for which nobody may have the device open. */
	log_close(&self->log);
	ASSERT_EQ(0, module_reload(PORTS " ring_kb=16384"));
	ASSERT_TRUE(log_open(&self->log));
	ASSERT_TRUE(prepare_full_unix_socket());
	ASSERT_TRUE(probe_of(self->log.fd, "unix_stream_connect", &before));
	ASSERT_EQ(0, pipe2(until, O_CLOEXEC));
	from = listen_on(AF_INET, PORT);
	server = fork();
	if (!server) {
		close(until[1]);
		serve_blockers(from, until[0]);
	}
	for (i = 0; i < LOGINS; i++)
		client[i] = connect_to(AF_INET, PORT, NULL);
	/* Each call is a hit or a miss. */
	do {
		ASSERT_TRUE(probe_of(self->log.fd, "unix_stream_connect", &probe));
		usleep(10000);
	} while (probe.hits + probe.misses - before.hits - before.misses < LOGINS * EACH &&
		 now_ms() - start < SECONDS * 1000);
	EXPECT_EQ((__u64)LOGINS * EACH, probe.hits + probe.misses - before.hits - before.misses);
	close(obstacle);
	close(until[1]);
	ASSERT_EQ(0, wait_for(server));
	for (i = 0; i < LOGINS; i++)
		close(client[i]);
	ASSERT_TRUE(log_wait_count(&self->log, WANT(.type = SSHOBS_END), LOGINS));

	for (at = 0; at < self->log.count; at++) {
		hdr = self->log.recs[at];
		told += hdr->type == SSHOBS_CONNECT;
		if (hdr->type == SSHOBS_END)
			marked += !!(((const struct sshobs_end *)body(hdr))->incomplete &
				     SSHOBS_INCOMPLETE_MISSED);
	}
	stats = stats_of(_metadata, self->log.fd);
	TH_LOG("%u told, %llu unwatched, %llu missed", told, (unsigned long long)stats.unwatched,
	       (unsigned long long)stats.missed);
	EXPECT_LT(0ULL, stats.missed);
	EXPECT_EQ((uint64_t)LOGINS * EACH, told + stats.unwatched + stats.missed);
	EXPECT_EQ((unsigned int)LOGINS, marked);
}

SELFTEST_MAIN()
