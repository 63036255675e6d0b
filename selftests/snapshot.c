// SPDX-License-Identifier: GPL-2.0
/* SSHOBS_IOC_SNAPSHOT: what it tells of a process is what /proc and the process say. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/magic.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

#ifndef SO_COOKIE
#define SO_COOKIE	57
#endif

#define BUF_SIZE	(1 << 20)

/* An open device, and a buffer that is large enough for anybody but the hoarder. */
FIXTURE(device) {
	int			fd;
	struct sshobs_snapshot	snapshot;
	char			*buf;
};

FIXTURE_SETUP(device)
{
	clean_start();
	ASSERT_EQ(0, module_want(PORTS));
	self->fd = open(DEVICE, O_RDONLY | O_CLOEXEC);
	ASSERT_LE(0, self->fd);
	self->buf = malloc(BUF_SIZE);
	ASSERT_NE(NULL, self->buf);
}

FIXTURE_TEARDOWN(device)
{
	free(self->buf);
	close(self->fd);
}

/* Return 0 or the errno; the answer is in self->buf, its argument in self->snapshot. */
static int ask(FIXTURE_DATA(device) *self, pid_t pid, unsigned int what)
{
	self->snapshot = (struct sshobs_snapshot){
		.pid = pid, .what = what, .buf = (uintptr_t)self->buf, .buf_len = BUF_SIZE,
	};
	return ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot) ? errno : 0;
}

/* --- a child that holds still -------------------------------------------------- */

/* A child plays a part and then waits for its end; it is ready when this returns. */
static pid_t start(void (*play)(void))
{
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ready[0]);
		play();
		if (write(ready[1], "", 1) != 1)
			_exit(126);
		close(ready[1]);
		for (;;)
			pause();
	}
	close(ready[1]);
	if (read_byte(ready[0]) != 1)
		pid = -1;
	close(ready[0]);
	if (pid > 0 && !wait_in_syscall(pid, SYS_pause))
		return -1;
	return pid;
}

static void stop(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

/* --- a task --------------------------------------------------------------------- */

/* The nth word of a line of /proc/PID/status, from 1; "" where there is none. */
static const char *status_word(pid_t pid, const char *key, int n)
{
	static char word[64];
	char path[64], *text, *line;
	int len = strlen(key);

	snprintf(path, sizeof(path), "/proc/%d/status", pid);
	text = read_file(path);
	word[0] = '\0';
	for (line = text; line; line = strchr(line, '\n') ? strchr(line, '\n') + 1 : NULL) {
		if (strncmp(line, key, len) || line[len] != ':')
			continue;
		line += len + 1;
		while (n--) {
			line += strspn(line, "\t ");
			if (!n)
				sscanf(line, "%63s", word);
			line += strcspn(line, "\t \n");
		}
		break;
	}
	free(text);
	return word;
}

static __u64 status_number(pid_t pid, const char *key, int n)
{
	return strtoull(status_word(pid, key, n), NULL, 10);
}

static __u64 status_hex(pid_t pid, const char *key)
{
	return strtoull(status_word(pid, key, 1), NULL, 16);
}

static void expect_ids(struct __test_metadata *_metadata, pid_t pid,
		       const struct sshobs_task_info *info)
{
	const __u32 uids[] = { info->uid, info->euid, info->suid, info->fsuid };
	const __u32 gids[] = { info->gid, info->egid, info->sgid, info->fsgid };
	int i;

	for (i = 0; i < 4; i++) {
		EXPECT_EQ(status_number(pid, "Uid", i + 1), uids[i]);
		EXPECT_EQ(status_number(pid, "Gid", i + 1), gids[i]);
	}
	EXPECT_EQ(status_hex(pid, "CapInh"), info->cap_inh);
	EXPECT_EQ(status_hex(pid, "CapPrm"), info->cap_prm);
	EXPECT_EQ(status_hex(pid, "CapEff"), info->cap_eff);
	EXPECT_EQ(status_hex(pid, "CapBnd"), info->cap_bnd);
	EXPECT_EQ(status_hex(pid, "CapAmb"), info->cap_amb);
	EXPECT_EQ(status_number(pid, "NoNewPrivs", 1), info->no_new_privs);
	EXPECT_EQ(status_number(pid, "Seccomp", 1), info->seccomp);
}

static __u64 proc_number(pid_t pid, const char *name)
{
	char path[64], *text;
	__u64 number;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	text = read_file(path);
	number = text ? strtoull(text, NULL, 10) : ~0ULL;
	free(text);
	return number;
}

/* starttime of /proc/PID/stat, in ticks of a hundredth of a second; the comm holds no ')'. */
static __u64 start_ticks(pid_t pid)
{
	unsigned long long ticks = 0;
	char path[64], *text, *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	text = read_file(path);
	at = text ? strchr(text, ')') : NULL;
	if (at)
		sscanf(at + 1, " %*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
		       &ticks);
	free(text);
	return ticks;
}

static void expect_memory(struct __test_metadata *_metadata, pid_t pid,
			  const struct sshobs_task_info *info)
{
	__u64 rss = status_number(pid, "VmRSS", 1);

	EXPECT_EQ(status_number(pid, "VmSize", 1), info->vm_kb);
	EXPECT_EQ(status_number(pid, "VmPeak", 1), info->vm_peak_kb);
	EXPECT_EQ(status_number(pid, "VmLck", 1), info->locked_kb);
	EXPECT_EQ(status_number(pid, "VmSwap", 1), info->swap_kb);
	/* Newer kernels count it for each CPU, and add up what is exact for /proc alone. */
	EXPECT_LE(rss, info->rss_kb + 1024);
	EXPECT_GE(rss + 1024, info->rss_kb);
	EXPECT_LE(info->rss_kb, info->rss_peak_kb);
}

static void expect_task(struct __test_metadata *_metadata, pid_t pid,
			const struct sshobs_task_info *info)
{
	EXPECT_EQ((__u32)pid, info->pid);
	EXPECT_EQ(status_number(pid, "PPid", 1), info->ppid);
	EXPECT_EQ(status_number(pid, "TracerPid", 1), info->tracer);
	EXPECT_EQ(status_number(pid, "Threads", 1), info->threads);
	EXPECT_EQ(*status_word(pid, "State", 1), info->state);
	EXPECT_STREQ(status_word(pid, "Name", 1), info->comm);
	EXPECT_EQ((__u32)getpgid(pid), info->pgid);
	EXPECT_EQ((__u32)getsid(pid), info->sid);
	EXPECT_EQ((__u32)proc_number(pid, "loginuid"), info->loginuid);
	EXPECT_EQ((__u32)proc_number(pid, "sessionid"), info->audit_session);
	EXPECT_EQ(status_number(pid, "voluntary_ctxt_switches", 1), info->voluntary_switches);
	EXPECT_EQ(status_number(pid, "nonvoluntary_ctxt_switches", 1),
		  info->nonvoluntary_switches);
	EXPECT_EQ(start_ticks(pid), info->start_boot_ns / 10000000);
	expect_ids(_metadata, pid, info);
}

static void expect_exe(struct __test_metadata *_metadata, pid_t pid,
		       const struct sshobs_task_info *info)
{
	char path[64], exe[4096] = "";

	snprintf(path, sizeof(path), "/proc/%d/exe", pid);
	if (readlink(path, exe, sizeof(exe) - 1) < 0)
		exe[0] = '\0';
	ASSERT_EQ(strlen(exe), info->exe_len);
	EXPECT_EQ(0, memcmp(exe, info->exe, info->exe_len));
	EXPECT_EQ(0U, info->len % 8);
	EXPECT_EQ(sizeof(*info) + (info->exe_len + 7) / 8 * 8, info->len);
}

#define LOCKED	(256 << 10)

static void become_somebody(void)
{
	struct rlimit files = { 100, 200 }, locked = { 1 << 20, 1 << 20 };
	void *memory = mmap(NULL, LOCKED, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
			    -1, 0);

	if (setrlimit(RLIMIT_NOFILE, &files) || setrlimit(RLIMIT_MEMLOCK, &locked) ||
	    mlock(memory, LOCKED) || !setsid())
		_exit(1);
	if (!become_nobody() || setreuid(NOBODY, NOBODY) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		_exit(1);
	prctl(PR_SET_NAME, "some body", 0, 0, 0);
}

TEST_F(device, a_task_is_what_proc_says)
{
	const struct sshobs_task_info *info = (void *)self->buf;
	pid_t pid = start(become_somebody);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ(self->snapshot.len, info->len);
	EXPECT_EQ(self->snapshot.start_ns, info->start_ns);
	EXPECT_EQ(0ULL, info->session);
	EXPECT_STREQ("some body", info->comm);
	/* The two words of its name apart. */
	memset((char *)info->comm, 0, sizeof(info->comm));
	strcpy((char *)info->comm, status_word(pid, "Name", 1));
	expect_task(_metadata, pid, info);
	expect_memory(_metadata, pid, info);
	expect_exe(_metadata, pid, info);
	EXPECT_EQ((__u64)LOCKED / 1024, info->locked_kb);
	stop(pid);
}

static unsigned int fds_of(pid_t pid)
{
	const struct dirent *entry;
	unsigned int count = 0;
	char path[64];
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	if (dir)
		closedir(dir);
	return count;
}

TEST_F(device, limits_are_those_of_getrlimit_with_what_is_in_use)
{
	const struct sshobs_task_info *info = (void *)self->buf;
	pid_t pid = start(become_somebody);
	struct rlimit limit;
	unsigned int i;

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	for (i = 0; i < SSHOBS_LIMITS; i++) {
		ASSERT_EQ(0, prlimit(pid, i, NULL, &limit));
		EXPECT_EQ((__u64)limit.rlim_cur, info->limits[i].soft) TH_LOG("limit %u", i);
		EXPECT_EQ((__u64)limit.rlim_max, info->limits[i].hard) TH_LOG("limit %u", i);
	}
	EXPECT_EQ(100ULL, info->limits[RLIMIT_NOFILE].soft);
	EXPECT_EQ(200ULL, info->limits[RLIMIT_NOFILE].hard);
	EXPECT_EQ(fds_of(pid), info->limits[RLIMIT_NOFILE].used);
	EXPECT_EQ(1ULL, info->limits[RLIMIT_NPROC].used);
	EXPECT_EQ((__u64)LOCKED, info->limits[RLIMIT_MEMLOCK].used);
	EXPECT_EQ(status_number(pid, "VmSize", 1) << 10, info->limits[RLIMIT_AS].used);
	EXPECT_EQ(strtoull(status_word(pid, "SigQ", 1), NULL, 10),
		  info->limits[RLIMIT_SIGPENDING].used);
	EXPECT_EQ(0ULL, info->limits[RLIMIT_MSGQUEUE].used);
	EXPECT_EQ(0ULL, info->limits[RLIMIT_CPU].used);
	EXPECT_EQ(SSHOBS_UNCOUNTED, info->limits[RLIMIT_CORE].used);
	EXPECT_EQ(SSHOBS_UNCOUNTED, info->limits[RLIMIT_NICE].used);
	stop(pid);
}

/* --- descriptors ---------------------------------------------------------------- */

/* Find a descriptor in the answer; NULL: it is not there, or the answer is broken. */
static const struct sshobs_fd *find_fd(FIXTURE_DATA(device) *self, unsigned int fd)
{
	size_t at = 0;

	while (at + sizeof(struct sshobs_fd) <= self->snapshot.len) {
		const struct sshobs_fd *entry = (void *)(self->buf + at);

		if (entry->len < sizeof(*entry) || entry->len % 8 ||
		    at + entry->len > self->snapshot.len)
			return NULL;
		if (entry->fd == fd)
			return entry;
		at += entry->len;
	}
	return NULL;
}

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

static void *shared(size_t size)
{
	return mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
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

/* The child keeps what it inherited. */
static void nothing(void)
{
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

/* --- arguments and environment -------------------------------------------------- */

static void expect_same_as_proc(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self,
				pid_t pid, unsigned int what, const char *name)
{
	char path[64], *text;
	size_t len = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, name);
	fd = open(path, O_RDONLY);
	ASSERT_LE(0, fd);
	text = read_all(fd, &len);
	close(fd);
	ASSERT_NE(NULL, text);
	ASSERT_EQ(0, ask(self, pid, what));
	ASSERT_EQ(len, self->snapshot.len) TH_LOG("%s", name);
	EXPECT_EQ(0, memcmp(text, self->buf, len)) TH_LOG("%s", name);
	free(text);
}

static int play_waiter(int argc, char **argv)
{
	char *end = argv[argc - 1] + strlen(argv[argc - 1]);

	/* A title over the arguments and the environment, as sshd writes it. */
	if (!strcmp(argv[2], "short")) {
		strcpy(argv[0], "title");
	} else if (!strcmp(argv[2], "long")) {
		memset(argv[0], 't', end - argv[0] + 100);
		end[100] = '\0';
	}
	if (write(STDOUT_FILENO, "", 1) != 1)
		return 1;
	for (;;)
		pause();
}

/* The program that waits, in an environment of which one variable is long. */
static pid_t start_waiter(const char *title, size_t length)
{
	char *variable = malloc(length + 3);
	char *environment[] = { "FIRST=1", variable, "LAST=a b\tc", NULL };
	int ready[2];
	pid_t pid;

	if (pipe2(ready, O_CLOEXEC))
		return -1;
	memset(variable, 'x', length + 2);
	memcpy(variable, "X=", 2);
	variable[length + 2] = '\0';
	pid = fork();
	if (!pid) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		dup2(ready[1], STDOUT_FILENO);
		execle(self_path(), self_path(), "role:waiter", title, "last argument", NULL,
		       environment);
		_exit(127);
	}
	free(variable);
	close(ready[1]);
	if (read_byte(ready[0]) != 1)
		pid = -1;
	close(ready[0]);
	return pid;
}

TEST_F(device, arguments_and_environment_are_those_of_proc)
{
	const char *const titles[] = { "none", "short", "long" };
	unsigned int i;

	for (i = 0; i < 3; i++) {
		pid_t pid = start_waiter(titles[i], 10000);

		ASSERT_LT(0, pid);
		expect_same_as_proc(_metadata, self, pid, SSHOBS_SNAPSHOT_ARGV, "cmdline");
		expect_same_as_proc(_metadata, self, pid, SSHOBS_SNAPSHOT_ENVIRON, "environ");
		/* It is in no session. */
		EXPECT_EQ(ENODATA, ask(self, pid, SSHOBS_SNAPSHOT_EXEC_ENVIRON));
		stop(pid);
	}
}

/* --- the call -------------------------------------------------------------------- */

TEST_F(device, a_buffer_that_is_too_small_is_told_what_is_needed)
{
	const unsigned int parts[] = {
		SSHOBS_SNAPSHOT_TASK, SSHOBS_SNAPSHOT_FDS, SSHOBS_SNAPSHOT_ARGV,
		SSHOBS_SNAPSHOT_ENVIRON,
	};
	pid_t pid = start_waiter("none", 100);
	struct sshobs_snapshot snapshot;
	unsigned int i;
	__u64 need;

	ASSERT_LT(0, pid);
	for (i = 0; i < 4; i++) {
		ASSERT_EQ(0, ask(self, pid, parts[i]));
		need = self->snapshot.len;
		ASSERT_LT(0ULL, need);
		snapshot = self->snapshot;
		memset(self->buf, 0x5a, BUF_SIZE);
		snapshot.buf_len = need - 1;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(EOVERFLOW, errno);
		EXPECT_EQ(need, snapshot.len);
		EXPECT_EQ(0x5a, self->buf[need - 1]);
		snapshot.buf_len = need;
		EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(0x5a, self->buf[need]);
		/* No buffer at all is a question for the size. */
		snapshot.buf = 0;
		snapshot.buf_len = 0;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &snapshot));
		EXPECT_EQ(EOVERFLOW, errno);
		EXPECT_EQ(need, snapshot.len);
	}
	stop(pid);
}

/* What it says to an argument that is not of its own time. */
static int ask_longer(FIXTURE_DATA(device) *self, const void *arg, size_t size)
{
	return ioctl(self->fd, _IOC(_IOC_READ | _IOC_WRITE, SSHOBS_IOC_MAGIC, 0x44, size), arg) ?
		       errno : 0;
}

TEST_F(device, a_longer_argument_is_taken_where_the_rest_is_zero)
{
	struct {
		struct sshobs_snapshot snapshot;
		char rest[4096];
	} longer = { .snapshot = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf = (uintptr_t)self->buf,
		.buf_len = BUF_SIZE,
	} };
	struct sshobs_snapshot before = longer.snapshot;

	longer.rest[4095] = 1;
	EXPECT_EQ(E2BIG, ask_longer(self, &longer, sizeof(longer)));
	EXPECT_EQ(0, memcmp(&before, &longer.snapshot, sizeof(before)));
	longer.rest[4095] = 0;
	EXPECT_EQ(0, ask_longer(self, &longer, sizeof(longer)));
	EXPECT_LT(0ULL, longer.snapshot.len);
	longer.snapshot = before;
	EXPECT_EQ(ENOTTY, ask_longer(self, &longer, sizeof(before) - 8));
	EXPECT_EQ(0, memcmp(&before, &longer.snapshot, sizeof(before)));
}

TEST_F(device, bad_arguments_get_their_errno_and_change_nothing)
{
	struct sshobs_snapshot good = {
		.pid = getpid(), .what = SSHOBS_SNAPSHOT_TASK, .buf = (uintptr_t)self->buf,
		.buf_len = BUF_SIZE,
	};
	struct {
		struct sshobs_snapshot snapshot;
		int error;
	} bad[] = {
		{ good, EINVAL }, { good, EINVAL }, { good, EINVAL }, { good, EINVAL },
		{ good, ESRCH }, { good, ESRCH }, { good, ESRCH }, { good, EFAULT },
		{ good, EFAULT },
	};
	struct sshobs_snapshot before;
	unsigned int i;

	bad[0].snapshot.flags = 1;
	bad[1].snapshot.flags = SSHOBS_SNAPSHOT_CUT;
	bad[2].snapshot.what = 0;
	bad[3].snapshot.what = SSHOBS_SNAPSHOT_EXEC_ENVIRON + 1;
	bad[4].snapshot.pid = 0;
	bad[5].snapshot.pid = ~0U;
	bad[6].snapshot.start_ns = 1;
	bad[7].snapshot.buf = 1;
	bad[8].snapshot.buf = ~0ULL << 16;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		before = bad[i].snapshot;
		errno = 0;
		EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &bad[i].snapshot))
			TH_LOG("argument %u", i);
		EXPECT_EQ(bad[i].error, errno) TH_LOG("argument %u", i);
		EXPECT_EQ(0, memcmp(&before, &bad[i].snapshot, sizeof(before)))
			TH_LOG("argument %u", i);
	}
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, 1));
	EXPECT_EQ(EFAULT, errno);
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &good));
}

TEST_F(device, a_pid_of_another_time_is_another_process)
{
	pid_t pid = start(nothing);

	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	/* It names the same one as long as it lives, and nobody afterwards. */
	EXPECT_EQ(0, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	self->snapshot.start_ns++;
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	EXPECT_EQ(ESRCH, errno);
	self->snapshot.start_ns--;
	stop(pid);
	EXPECT_EQ(-1, ioctl(self->fd, SSHOBS_IOC_SNAPSHOT, &self->snapshot));
	EXPECT_EQ(ESRCH, errno);
}

static void expect_empty(struct __test_metadata *_metadata, FIXTURE_DATA(device) *self, pid_t pid)
{
	unsigned int what;

	for (what = SSHOBS_SNAPSHOT_FDS; what <= SSHOBS_SNAPSHOT_ENVIRON; what++) {
		EXPECT_EQ(0, ask(self, pid, what));
		EXPECT_EQ(0ULL, self->snapshot.len);
	}
}

TEST_F(device, kernel_threads_zombies_init_and_itself_are_what_they_are)
{
	const struct sshobs_task_info *info = (void *)self->buf;
	siginfo_t ended;
	pid_t zombie = fork();

	if (!zombie)
		_exit(0);
	ASSERT_EQ(0, waitid(P_PID, zombie, &ended, WEXITED | WNOWAIT));
	ASSERT_EQ(0, ask(self, zombie, SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ('Z', info->state);
	EXPECT_EQ(0ULL, info->vm_kb);
	EXPECT_EQ(0U, info->exe_len);
	expect_empty(_metadata, self, zombie);
	stop(zombie);

	/* kthreadd */
	ASSERT_EQ(0, ask(self, 2, SSHOBS_SNAPSHOT_TASK));
	EXPECT_STREQ("kthreadd", info->comm);
	EXPECT_EQ(0ULL, info->vm_kb);
	EXPECT_EQ(0U, info->ppid);
	expect_empty(_metadata, self, 2);

	ASSERT_EQ(0, ask(self, 1, SSHOBS_SNAPSHOT_TASK));
	expect_task(_metadata, 1, info);
	ASSERT_EQ(0, ask(self, 1, SSHOBS_SNAPSHOT_FDS));
	expect_all_fds(_metadata, self, 1);
	expect_same_as_proc(_metadata, self, 1, SSHOBS_SNAPSHOT_ENVIRON, "environ");

	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ('R', info->state);
	EXPECT_EQ((__u32)getppid(), info->ppid);
	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_FDS));
	EXPECT_NE(NULL, find_fd(self, self->fd));
}

static int wait_as_thread(void *arg)
{
	(void)arg;
	for (;;)
		pause();
}

TEST_F(device, a_thread_is_no_process)
{
	static char stack[65536];
	pid_t tid = clone(wait_as_thread, stack + sizeof(stack),
			  CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD, NULL);

	ASSERT_LT(0, tid);
	EXPECT_EQ(ESRCH, ask(self, tid, SSHOBS_SNAPSHOT_TASK));
	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ(2U, ((struct sshobs_task_info *)self->buf)->threads);
}

/* --- who may --------------------------------------------------------------------- */

/* What the call says to a child with an open device, that has given up some rights. */
static int ask_in_child(FIXTURE_DATA(device) *self, bool (*give_up)(void))
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (!give_up())
			_exit(255);
		_exit(ask(self, getppid(), SSHOBS_SNAPSHOT_TASK));
	}
	status = wait_for(pid);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool drop_cap(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[cap / 32].effective &= ~(1U << cap % 32);
	return !syscall(SYS_capset, &header, data);
}

static bool all_but_ptrace(void)
{
	return drop_cap(CAP_SYS_PTRACE);
}

static bool all_but_admin(void)
{
	return drop_cap(CAP_SYS_ADMIN);
}

static bool root_of_a_user_namespace(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER);
}

/* With all that a container has of its own, and the node bind-mounted into it. */
static bool root_of_a_container(void)
{
	return become_root_of_namespaces(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID |
					 CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS) &&
	       !mount(DEVICE, "/dev/null", NULL, MS_BIND, NULL) &&
	       open("/dev/null", O_RDONLY) < 0 && errno == EPERM;
}

TEST_F(device, a_snapshot_wants_CAP_SYS_PTRACE_in_the_initial_user_namespace)
{
	EXPECT_EQ(0, ask_in_child(self, all_but_admin));
	EXPECT_EQ(EPERM, ask_in_child(self, all_but_ptrace));
	EXPECT_EQ(EPERM, ask_in_child(self, become_nobody));
	EXPECT_EQ(EPERM, ask_in_child(self, root_of_a_user_namespace));
	EXPECT_EQ(EPERM, ask_in_child(self, root_of_a_container));
}

/* Send the open device to a process that was never given it otherwise. */
static bool send_fd(int sock, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	struct iovec byte = { .iov_base = "", .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &byte, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};

	control.head = (struct cmsghdr){
		.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int)),
	};
	memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	return sendmsg(sock, &msg, 0) == 1;
}

static int receive_fd(int sock)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = {};
	char byte;
	struct iovec iov = { .iov_base = &byte, .iov_len = 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control,
		.msg_controllen = sizeof(control.room),
	};
	int fd = -1;

	if (recvmsg(sock, &msg, 0) == 1)
		memcpy(&fd, CMSG_DATA(&control.head), sizeof(fd));
	return fd;
}

TEST_F(device, a_descriptor_that_was_passed_in_gives_no_right)
{
	int pair[2], status;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		close(self->fd);
		if (!become_nobody())
			_exit(255);
		self->fd = receive_fd(pair[1]);
		_exit(ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	}
	ASSERT_TRUE(send_fd(pair[0], self->fd));
	status = wait_for(pid);
	EXPECT_TRUE(WIFEXITED(status));
	EXPECT_EQ(EPERM, WEXITSTATUS(status));
}

/* --- while they move -------------------------------------------------------------- */

#define STORM_TASKS	4
#define STORM_SHOTS	20000

static void storm_files(void)
{
	int fds[32], i;

	for (i = 0; i < 32; i++)
		fds[i] = i % 4 ? dup(STDERR_FILENO) : socket(AF_UNIX, SOCK_STREAM, 0);
	for (i = 0; i < 32; i++)
		close(fds[i]);
}

/* Forks, execs, dups, closes and exits as fast as it can; the pid of the newest is shared. */
static void storm(pid_t *newest)
{
	pid_t pid;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (;;) {
		pid = fork();
		if (!pid) {
			storm_files();
			execl("/bin/true", "true", NULL);
			_exit(127);
		}
		__atomic_store_n(newest, pid, __ATOMIC_RELAXED);
		storm_files();
		waitpid(pid, NULL, 0);
	}
}

TEST_F(device, tasks_that_fork_exec_dup_close_and_exit_give_no_error_but_ESRCH_and_EAGAIN)
{
	pid_t *newest = shared(STORM_TASKS * sizeof(pid_t)), stormers[STORM_TASKS];
	unsigned int found = 0, gone = 0, again = 0, i;

	for (i = 0; i < STORM_TASKS; i++) {
		stormers[i] = fork();
		if (!stormers[i])
			storm(&newest[i]);
	}
	for (i = 0; i < STORM_SHOTS; i++) {
		unsigned int what = 1 + i % 4, who = i / 4 % STORM_TASKS;
		pid_t pid = i % 8 < 4 ? __atomic_load_n(&newest[who], __ATOMIC_RELAXED)
				      : stormers[who];
		int error = pid ? ask(self, pid, what) : ESRCH;

		found += !error;
		gone += error == ESRCH;
		again += error == EAGAIN;
		ASSERT_TRUE(!error || error == ESRCH || error == EAGAIN)
			TH_LOG("errno %d of snapshot %u", error, what);
		if (!error && what == SSHOBS_SNAPSHOT_FDS && self->snapshot.len) {
			ASSERT_NE(NULL, find_fd(self, STDERR_FILENO));
		}
	}
	for (i = 0; i < STORM_TASKS; i++)
		stop(stormers[i]);
	TH_LOG("%u snapshots: %u read, %u gone, %u to be tried again", i = STORM_SHOTS, found, gone,
	       again);
	/* The stormers themselves are always there. */
	EXPECT_LE((unsigned int)STORM_SHOTS / 3, found);
}

/* --- in a session ------------------------------------------------------------------ */

#define GIVEN	"GIVEN=at exec"

/* What a member found out about another one, for the test to judge. */
static struct {
	int	error, error_now, error_child;
	__u32	flags;
	__u64	len, session, own_session;
	bool	given, now, of_child, whole;
} *seen;

/* Writes a title over all that it was given, has a child that never execs, and tells its pid. */
static int play_titled(int argc, char **argv)
{
	extern char **environ;
	char *last = argv[argc - 1];
	pid_t pid;
	int i;

	for (i = 0; environ[i]; i++)
		last = environ[i];
	memset(argv[0], 0, last + strlen(last) - argv[0]);
	strcpy(argv[0], "title");
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	/* Whoever looks at them ends both. */
	pid = fork();
	if (pid && write(STDOUT_FILENO, &pid, sizeof(pid)) != sizeof(pid))
		return 1;
	for (;;)
		pause();
}

static bool has_variable(FIXTURE_DATA(device) *self, const char *variable)
{
	const char *at, *end = self->buf + self->snapshot.len;

	for (at = self->buf; at < end; at += strlen(at) + 1)
		if (!strcmp(at, variable))
			return true;
	return false;
}

static void look_at(pid_t pid, pid_t child)
{
	FIXTURE_DATA(device) device = {
		.fd = open(DEVICE, O_RDONLY | O_CLOEXEC), .buf = calloc(1, BUF_SIZE),
	};

	seen->error = ask(&device, pid, SSHOBS_SNAPSHOT_EXEC_ENVIRON);
	seen->flags = device.snapshot.flags;
	seen->len = device.snapshot.len;
	seen->given = has_variable(&device, GIVEN);
	seen->whole = seen->len && !device.buf[seen->len - 1];
	seen->error_now = ask(&device, pid, SSHOBS_SNAPSHOT_ENVIRON);
	seen->now = has_variable(&device, GIVEN);
	seen->error_child = ask(&device, child, SSHOBS_SNAPSHOT_EXEC_ENVIRON);
	seen->of_child = has_variable(&device, GIVEN);
	if (!ask(&device, pid, SSHOBS_SNAPSHOT_TASK))
		seen->session = ((struct sshobs_task_info *)device.buf)->session;
	if (!ask(&device, getppid(), SSHOBS_SNAPSHOT_TASK))
		seen->own_session = ((struct sshobs_task_info *)device.buf)->session;
	close(device.fd);
	free(device.buf);
}

/* Execute the program above in an environment of which the last variable is long. */
static void watch_titled(int sock)
{
	char *variable = calloc(1, scene->number + 6);
	char *environment[] = { GIVEN, variable, NULL };
	int told[2];
	pid_t pid, child;

	(void)sock;
	memset(variable, 'l', scene->number + 5);
	memcpy(variable, "LONG=", 5);
	if (pipe(told))
		_exit(126);
	pid = fork();
	if (!pid) {
		dup2(told[1], STDOUT_FILENO);
		execle(self_path(), self_path(), "role:titled", NULL, environment);
		_exit(127);
	}
	close(told[1]);
	if (read(told[0], &child, sizeof(child)) != sizeof(child))
		_exit(126);
	look_at(pid, child);
	kill(child, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static int length_of_variable;

static void watch_titled_with(int sock)
{
	scene->number = length_of_variable;
	watch_titled(sock);
}

TEST_F(member, the_environment_that_a_title_was_written_over_is_told_as_it_was_given)
{
	seen = shared(sizeof(*seen));
	length_of_variable = 100;
	let(_metadata, self, watch_titled_with);
	EXPECT_EQ(0, seen->error);
	EXPECT_EQ(0U, seen->flags);
	EXPECT_TRUE(seen->given);
	EXPECT_TRUE(seen->whole);
	EXPECT_EQ(sizeof(GIVEN) + 106, seen->len);
	/* Where it was, it is no more. */
	EXPECT_EQ(0, seen->error_now);
	EXPECT_FALSE(seen->now);
	/* A child of the same program was given the same. */
	EXPECT_EQ(0, seen->error_child);
	EXPECT_TRUE(seen->of_child);
	EXPECT_EQ(self->session, seen->session);
	/* The server is no member. */
	EXPECT_EQ(0ULL, seen->own_session);
}

TEST_F(member, of_an_environment_that_is_too_long_the_whole_variables_are_kept)
{
	seen = shared(sizeof(*seen));
	length_of_variable = 2 * SSHOBS_ENVIRON_MAX;
	let(_metadata, self, watch_titled_with);
	EXPECT_EQ(0, seen->error);
	EXPECT_EQ(SSHOBS_SNAPSHOT_CUT, seen->flags);
	EXPECT_TRUE(seen->given);
	EXPECT_EQ(sizeof(GIVEN), seen->len);
}

/* --- readings at the prompt ---------------------------------------------------------- */

/* Waits for its terminal's input. */
static int play_prompter(int argc, char **argv)
{
	char line[8];

	(void)argc;
	(void)argv;
	return read(STDIN_FILENO, line, sizeof(line)) != 2;
}

static void run_prompter(int sock)
{
	struct rlimit limit = { 77, 88 };
	int master = open_master(), slave;
	struct log log;
	pid_t pid;

	(void)sock;
	scene->number = pts_of(master);
	if (!log_open(&log))
		_exit(126);
	pid = fork();
	if (!pid) {
		setsid();
		slave = open(ptsname(master), O_RDWR);
		dup2(slave, STDIN_FILENO);
		if (setrlimit(RLIMIT_NOFILE, &limit) || !become_nobody())
			_exit(126);
		close(log.fd);
		execl(self_path(), self_path(), "role:prompter", NULL);
		_exit(127);
	}
	scene->member[1].pid = pid;
	/* Both of them were read. */
	if (!log_wait_count(&log, IN(SSHOBS_READING, ANY_SESSION), 2))
		_exit(125);
	scene->member[1].execs = fds_of(pid);
	/* Looking at its own takes one more. */
	scene->member[0].execs = fds_of(getpid()) - 1;
	if (write(master, "1\n", 2) != 2)
		_exit(126);
	waitpid(pid, NULL, 0);
}

static void expect_reading(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
			   const struct member *who, __u64 soft, __u64 hard, __u32 uid)
{
	const struct sshobs_hdr *hdr = log_find(&self->log, OF(SSHOBS_READING, self->session,
							       who->pid));
	const struct sshobs_reading *reading;

	ASSERT_NE(NULL, hdr) TH_LOG("pid %d", who->pid);
	reading = body(hdr);
	EXPECT_EQ(sizeof(*reading), hdr->len - hdr->hdr_len);
	EXPECT_EQ(0, reading->pad[0] | reading->pad[1] | reading->pad[2]);
	EXPECT_EQ((__u32)scene->number, reading->pts);
	EXPECT_EQ(who->execs, reading->fds);
	EXPECT_EQ(soft, reading->fds_soft);
	EXPECT_EQ(hard, reading->fds_hard);
	EXPECT_EQ(uid, reading->ids.uid);
	EXPECT_EQ(uid, reading->ids.euid);
	EXPECT_EQ(!uid, !!reading->ids.cap_eff);
	EXPECT_EQ(1U, reading->threads);
	EXPECT_LT(100ULL, reading->rss_kb);
	EXPECT_LT(reading->rss_kb, reading->vm_kb);
	EXPECT_NE(NULL, strchr("RSD", reading->state)) TH_LOG("%c", reading->state);
	EXPECT_LE(reading->prompt_ns, hdr->time_ns);
}

TEST_F(member, at_a_prompt_each_process_of_the_session_is_read)
{
	const struct sshobs_reading *last;
	struct rlimit limit;
	ssize_t prompt, at;

	ASSERT_EQ(0, getrlimit(RLIMIT_NOFILE, &limit));
	let(_metadata, self, run_prompter);
	ASSERT_EQ(2U, count_of(self, SSHOBS_READING));
	prompt = log_index(&self->log, IN(SSHOBS_PROMPT, self->session), 0);
	at = log_index(&self->log, IN(SSHOBS_READING, self->session), 0);
	ASSERT_LE(0, prompt);
	EXPECT_LT(prompt, at);
	expect_reading(_metadata, self, &scene->member[0], limit.rlim_cur, limit.rlim_max, 0);
	expect_reading(_metadata, self, &scene->member[1], 77, 88, NOBODY);
	last = nth(self, SSHOBS_READING, 0);
	EXPECT_EQ(0U, last->flags);
	last = nth(self, SSHOBS_READING, 1);
	EXPECT_EQ(SSHOBS_READING_LAST, last->flags);
}

SELFTEST_MAIN(
	{ "waiter", play_waiter },
	{ "titled", play_titled },
	{ "prompter", play_prompter },
)
