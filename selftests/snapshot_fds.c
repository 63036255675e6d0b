// SPDX-License-Identifier: GPL-2.0
/* The descriptors of a process: as /proc, the process and getsockopt() say. */
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <time.h>
#include <unistd.h>

#include "snapshots.h"

#ifndef SO_COOKIE
#define SO_COOKIE	57
#endif

/* --- descriptors ---------------------------------------------------------------- */

static size_t padded(size_t len)
{
	return (len + 7) / 8 * 8;
}

static const char *local_name(const struct sshobs_fd *entry)
{
	return (const char *)entry->data + padded(entry->path_len);
}

static const char *peer_name(const struct sshobs_fd *entry)
{
	return local_name(entry) + padded(entry->local_name_len);
}

static const struct tcp_info *tcp_info_of(const struct sshobs_fd *entry)
{
	return (const void *)(peer_name(entry) + padded(entry->peer_name_len));
}

/* The shared part: what readlink() and fdinfo tell. */
static void expect_fd(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self, pid_t pid,
		      int fd, unsigned int kind)
{
	const struct sshobs_fd *entry = find_fd(self, fd);
	char path[64], target[4096] = "", *info;
	unsigned long long pos = ~0ULL;
	unsigned int flags = ~0U;
	struct statfs statfs_buf;
	struct stat stat_buf;

	ASSERT_NE(NULL, entry) TH_LOG("descriptor %d", fd);
	snprintf(path, sizeof(path), "/proc/%d/fd/%d", pid, fd);
	ASSERT_LT(0, readlink(path, target, sizeof(target) - 1));
	EXPECT_EQ(kind, entry->kind) TH_LOG("%s", target);
	ASSERT_EQ(strlen(target), entry->path_len) TH_LOG("%s", target);
	EXPECT_EQ(0, memcmp(target, entry->data, entry->path_len)) TH_LOG("%s", target);
	ASSERT_EQ(0, stat(path, &stat_buf));
	EXPECT_EQ(stat_buf.st_ino, entry->ino) TH_LOG("%s", target);
	EXPECT_EQ(stat_buf.st_mode, entry->mode) TH_LOG("%s", target);
	ASSERT_EQ(0, statfs(path, &statfs_buf));
	/* stat() of an overlay tells of the device below. */
	if (statfs_buf.f_type != OVERLAYFS_SUPER_MAGIC) {
		EXPECT_EQ(stat_buf.st_dev, entry->dev) TH_LOG("%s", target);
	}
	EXPECT_EQ(stat_buf.st_rdev, entry->rdev) TH_LOG("%s", target);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", pid, fd);
	info = read_file(path);
	ASSERT_NE(NULL, info);
	EXPECT_EQ(2, sscanf(info, "pos: %llu flags: %o", &pos, &flags));
	EXPECT_EQ(pos, entry->pos) TH_LOG("%s", target);
	EXPECT_EQ(flags, entry->flags) TH_LOG("%s", target);
	free(info);
	EXPECT_EQ(sizeof(*entry) + padded(entry->path_len) + padded(entry->local_name_len) +
		  padded(entry->peer_name_len) + padded(entry->tcp_info_len), entry->len);
}

/* All of one process: in rising order, and as many as there are. */
static void expect_all_fds(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self, pid_t pid)
{
	unsigned int count = 0;
	long last = -1;
	size_t at;

	for (at = 0; at < self->snapshot.len; count++) {
		const struct sshobs_fd *entry = (void *)(self->buf + at);

		EXPECT_LT(last, (long)entry->fd);
		last = entry->fd;
		ASSERT_LE(sizeof(*entry), entry->len);
		at += entry->len;
	}
	EXPECT_EQ(self->snapshot.len, at);
	EXPECT_EQ(fds_of(pid), count);
}

/* What the child opens is told by these, which it shares with the test. */
static struct {
	int	file, dir, path, pipe[2], fifo, null, event, epoll, ptmx, pts, tty;
	int	pair[2], listener, client, accepted, abstract, dgram, udp, tcp6, raw;
	__u64	cookie;
	int	pts_index;
} *its;

#define FIFO		"/tmp/selftest-fifo"
#define SOCKET		"/tmp/selftest-socket"
#define ABSTRACT	"\0selftest abstract"

static int unix_socket(int type, const char *name, size_t len, bool connects)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX };
	socklen_t size = offsetof(struct sockaddr_un, sun_path) + len;
	int sock = socket(AF_UNIX, type, 0);

	memcpy(addr.sun_path, name, len);
	if (connects ? connect(sock, (void *)&addr, size) : bind(sock, (void *)&addr, size))
		_exit(2);
	return sock;
}

static void open_files(void)
{
	unlink(FIFO);
	its->file = open("/etc/passwd", O_RDONLY | O_CLOEXEC);
	lseek(its->file, 7, SEEK_SET);
	its->dir = open("/etc", O_RDONLY | O_DIRECTORY);
	its->path = open("/etc/hosts", O_PATH);
	its->null = open("/dev/null", O_RDWR | O_APPEND | O_NONBLOCK);
	if (pipe2(its->pipe, O_NONBLOCK) || mkfifo(FIFO, 0600))
		_exit(3);
	its->fifo = open(FIFO, O_RDWR);
	its->event = eventfd(3, EFD_CLOEXEC);
	its->epoll = epoll_create1(0);
	its->ptmx = open_master();
	its->pts_index = pts_of(its->ptmx);
	setsid();
	its->pts = open(ptsname(its->ptmx), O_RDWR);
	its->tty = open("/dev/tty", O_RDWR | O_CLOEXEC);
}

static void open_sockets(void)
{
	unlink(SOCKET);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, its->pair))
		_exit(4);
	its->listener = unix_socket(SOCK_STREAM, SOCKET, sizeof(SOCKET), false);
	if (listen(its->listener, 1))
		_exit(5);
	its->client = unix_socket(SOCK_STREAM, SOCKET, sizeof(SOCKET), true);
	its->accepted = accept4(its->listener, NULL, NULL, SOCK_CLOEXEC);
	its->abstract = unix_socket(SOCK_DGRAM, ABSTRACT, sizeof(ABSTRACT) - 1, false);
	its->dgram = unix_socket(SOCK_DGRAM, ABSTRACT, sizeof(ABSTRACT) - 1, true);
	its->udp = socket(AF_INET, SOCK_DGRAM, 0);
	its->tcp6 = socket(AF_INET6, SOCK_STREAM, 0);
	its->raw = socket(AF_NETLINK, SOCK_RAW, 15);
}

static void open_all(void)
{
	open_files();
	open_sockets();
}

TEST_F(device, a_descriptor_is_what_proc_says)
{
	pid_t pid;

	its = shared(sizeof(*its));
	pid = start(open_all);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_FDS));
	expect_all_fds(_metadata, self, pid);
	expect_fd(_metadata, self, pid, its->file, SSHOBS_FD_FILE);
	expect_fd(_metadata, self, pid, its->dir, SSHOBS_FD_FILE);
	expect_fd(_metadata, self, pid, its->path, SSHOBS_FD_FILE);
	expect_fd(_metadata, self, pid, its->null, SSHOBS_FD_FILE);
	expect_fd(_metadata, self, pid, its->pipe[0], SSHOBS_FD_PIPE);
	expect_fd(_metadata, self, pid, its->pipe[1], SSHOBS_FD_PIPE);
	expect_fd(_metadata, self, pid, its->fifo, SSHOBS_FD_PIPE);
	expect_fd(_metadata, self, pid, its->event, SSHOBS_FD_ANON);
	expect_fd(_metadata, self, pid, its->epoll, SSHOBS_FD_ANON);
	expect_fd(_metadata, self, pid, its->ptmx, SSHOBS_FD_PTMX);
	expect_fd(_metadata, self, pid, its->pts, SSHOBS_FD_TTY);
	expect_fd(_metadata, self, pid, its->tty, SSHOBS_FD_TTY);
	expect_fd(_metadata, self, pid, its->pair[0], SSHOBS_FD_SOCKET);
	expect_fd(_metadata, self, pid, its->listener, SSHOBS_FD_SOCKET);
	expect_fd(_metadata, self, pid, its->udp, SSHOBS_FD_SOCKET);
	expect_fd(_metadata, self, pid, its->raw, SSHOBS_FD_SOCKET);
	EXPECT_EQ((__u32)its->pts_index, find_fd(self, its->ptmx)->pts);
	EXPECT_EQ((__u32)its->pts_index, find_fd(self, its->pts)->pts);
	/* Its name is /dev/tty, and what it is, the terminal. */
	EXPECT_EQ((__u32)its->pts_index, find_fd(self, its->tty)->pts);
	EXPECT_EQ(SSHOBS_NO_PTS, find_fd(self, its->null)->pts);
	EXPECT_EQ(7ULL, find_fd(self, its->file)->pos);
	stop(pid);
}

static void expect_unix(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self, int fd,
			int peer, const char *name, size_t name_len, const char *of_peer,
			size_t of_peer_len)
{
	const struct sshobs_fd *entry = find_fd(self, fd);

	ASSERT_NE(NULL, entry);
	EXPECT_EQ(AF_UNIX, entry->family);
	EXPECT_EQ(peer < 0 ? 0 : find_fd(self, peer)->ino, entry->peer_ino);
	ASSERT_EQ(name_len, entry->local_name_len);
	EXPECT_EQ(0, memcmp(name, local_name(entry), name_len));
	ASSERT_EQ(of_peer_len, entry->peer_name_len);
	EXPECT_EQ(0, memcmp(of_peer, peer_name(entry), of_peer_len));
	EXPECT_EQ(0U, entry->tcp_info_len);
	EXPECT_EQ(0ULL, entry->cookie);
}

TEST_F(device, a_unix_socket_tells_its_name_and_its_peer)
{
	const size_t path = strlen(SOCKET), abstract = sizeof(ABSTRACT) - 1;
	pid_t pid;

	its = shared(sizeof(*its));
	pid = start(open_all);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_FDS));
	expect_unix(_metadata, self, its->pair[0], its->pair[1], "", 0, "", 0);
	expect_unix(_metadata, self, its->pair[1], its->pair[0], "", 0, "", 0);
	expect_unix(_metadata, self, its->listener, -1, SOCKET, path, "", 0);
	expect_unix(_metadata, self, its->client, its->accepted, "", 0, SOCKET, path);
	expect_unix(_metadata, self, its->accepted, its->client, SOCKET, path, "", 0);
	expect_unix(_metadata, self, its->abstract, -1, ABSTRACT, abstract, "", 0);
	expect_unix(_metadata, self, its->dgram, its->abstract, "", 0, ABSTRACT, abstract);
	EXPECT_EQ(1, find_fd(self, its->pair[0])->state);
	EXPECT_EQ(10, find_fd(self, its->listener)->state);
	EXPECT_EQ(SOCK_DGRAM, find_fd(self, its->dgram)->type);
	EXPECT_EQ(SOCK_STREAM, find_fd(self, its->client)->type);
	EXPECT_EQ(AF_NETLINK, find_fd(self, its->raw)->family);
	EXPECT_EQ(15, find_fd(self, its->raw)->protocol);
	stop(pid);
}

static void expect_tcp(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self, int fd,
		       int family, unsigned int local, unsigned int peer)
{
	const struct sshobs_fd *entry = find_fd(self, fd);
	socklen_t size = sizeof(__u64);
	__u64 cookie;

	ASSERT_NE(NULL, entry);
	EXPECT_EQ(family, entry->local.family);
	EXPECT_EQ(local, entry->local.port);
	EXPECT_EQ(peer, entry->peer.port);
	EXPECT_EQ(IPPROTO_TCP, entry->protocol);
	ASSERT_EQ(0, getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size));
	EXPECT_EQ(cookie, entry->cookie);
	ASSERT_LE(sizeof(struct tcp_info), entry->tcp_info_len + 64);
}

TEST_F(device, a_tcp_socket_tells_its_ends_and_its_tcp_info)
{
	int families[] = { AF_INET, AF_INET6 };
	struct tcp_info mine;
	socklen_t size = sizeof(mine);
	int i;

	for (i = 0; i < 2; i++) {
		int listener = listen_on(families[i], 0), sock, accepted;
		const struct tcp_info *info;
		uint16_t port;
		pid_t pid;

		sock = connect_to(families[i], port_of(listener), &port);
		accepted = accept(listener, NULL, NULL);
		ASSERT_LE(0, accepted);
		ASSERT_EQ(5, write(sock, "hello", 5));
		pid = start(nothing);
		ASSERT_LT(0, pid);
		ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_FDS));
		expect_tcp(_metadata, self, sock, families[i], port, port_of(listener));
		expect_tcp(_metadata, self, accepted, families[i], port_of(listener), port);
		expect_tcp(_metadata, self, listener, families[i], port_of(listener), 0);
		EXPECT_EQ(1, find_fd(self, sock)->state);
		EXPECT_EQ(10, find_fd(self, listener)->state);
		info = tcp_info_of(find_fd(self, accepted));
		ASSERT_EQ(0, getsockopt(accepted, SOL_TCP, TCP_INFO, &mine, &size));
		EXPECT_EQ(mine.tcpi_state, info->tcpi_state);
		EXPECT_EQ(mine.tcpi_rtt, info->tcpi_rtt);
		EXPECT_EQ(mine.tcpi_snd_cwnd, info->tcpi_snd_cwnd);
		EXPECT_EQ(mine.tcpi_snd_mss, info->tcpi_snd_mss);
		EXPECT_EQ(mine.tcpi_total_retrans, info->tcpi_total_retrans);
		stop(pid);
		close(listener);
		close(accepted);
		close(sock);
	}
}

TEST_F(device, the_descriptors_of_init_are_those_of_proc)
{
	ASSERT_EQ(0, ask(self, 1, SSHOBS_SNAPSHOT_FDS));
	expect_all_fds(_metadata, self, 1);
}

#define HOARD	65537

static void open_many(void)
{
	struct rlimit limit = { HOARD + 100, HOARD + 100 };

	if (setrlimit(RLIMIT_NOFILE, &limit))
		_exit(1);
	while (dup(STDERR_FILENO) < HOARD - 1)
		;
}

TEST_F(device, a_task_with_65536_descriptors_is_read_whole)
{
	const size_t size = HOARD * (sizeof(struct sshobs_fd) + 64);
	pid_t pid = start(open_many);
	char *buf = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct sshobs_snapshot snapshot = {
		.pid = pid, .what = SSHOBS_SNAPSHOT_FDS, .buf = (uintptr_t)buf, .buf_len = size,
	};
	unsigned int count = 0;
	size_t at;

	ASSERT_LT(0, pid);
	ASSERT_NE(MAP_FAILED, buf);
	ASSERT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot)) TH_LOG("%m");
	for (at = 0; at < snapshot.len; count++) {
		const struct sshobs_fd *entry = (void *)(buf + at);

		ASSERT_LE(sizeof(*entry), entry->len);
		at += entry->len;
	}
	EXPECT_EQ(fds_of(pid), count);
	EXPECT_LE(65536U, count);
	munmap(buf, size);
	stop(pid);
}

/* What the kernel allows at the most, unless somebody has it allow more. */
#define LAST_FD		((1 << 20) - 1)

static void open_one_far_off(void)
{
	struct rlimit limit = { LAST_FD + 1, LAST_FD + 1 };

	if (setrlimit(RLIMIT_NOFILE, &limit) || dup2(STDERR_FILENO, LAST_FD) != LAST_FD)
		_exit(126);
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* How long it takes to tell of a task, its descriptors counted, with nothing in between. */
static uint64_t best_of_many(FIXTURE_DATA(device) *self, pid_t pid)
{
	uint64_t best = ~0ULL, before, took;
	int i;

	for (i = 0; i < 100; i++) {
		before = now_ns();
		if (ask(self, pid, SSHOBS_SNAPSHOT_TASK))
			return ~0ULL;
		took = now_ns() - before;
		best = took < best ? took : best;
	}
	return best;
}

TEST_F(device, the_descriptors_of_a_large_table_are_counted_without_a_look_at_each)
{
	const struct sshobs_task_info *info = (void *)self->buf;
	pid_t few = start(nothing), far = start(open_one_far_off);
	uint64_t base, took;

	ASSERT_LT(0, few);
	ASSERT_LT(0, far);
	base = best_of_many(self, few);
	took = best_of_many(self, far);
	EXPECT_EQ(fds_of(far), info->limits[RLIMIT_NOFILE].used);
	TH_LOG("%llu and %llu ns", (unsigned long long)base, (unsigned long long)took);
	EXPECT_GT(50 * base, took);
	stop(few);
	stop(far);
}

SELFTEST_MAIN()
