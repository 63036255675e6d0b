// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include <sanitizer/asan_interface.h>

#include "fake-processes.h"

/* Those of the reader's buffers that it may write behind an answer. */
#define SLACK 8

struct fake fakes[FAKE_PROCESSES];
size_t n_fakes;

/* --- the ioctl ------------------------------------------------------------------- */

int __wrap_ioctl(int fd, unsigned long request, ...);

static struct fake *find(const struct sshobs_snapshot *ask)
{
	size_t i;

	for (i = 0; i < n_fakes; i++)
		if (fakes[i].pid == ask->pid &&
		    (ask->start_ns == SSHOBS_SNAPSHOT_ANY || ask->start_ns == fakes[i].start_ns))
			return &fakes[i];
	return NULL;
}

static int answer(struct sshobs_snapshot *ask, struct fake *fake)
{
	size_t part = ask->what - 1, len = fake->len[part];
	char *buf = (char *)(uintptr_t)ask->buf;

	if (fake->error[part])
		return fake->error[part];
	if (fake->again) {
		fake->again--;
		return EAGAIN;
	}
	ask->len = len + fake->boast;
	if (len <= ask->buf_len && fake->grows) {
		fake->grows--;
		ask->len = 2 * (size_t)ask->buf_len;
	}
	if (len > ask->buf_len || ask->len > ask->buf_len + fake->boast)
		return EOVERFLOW;
	memcpy(buf, fake->bytes[part], len);
	/* Whoever looks behind the answer is caught. */
	if (!fake->boast)
		ASAN_POISON_MEMORY_REGION(buf + ((len + 7) & ~(size_t)7) + SLACK,
					  ask->buf_len - ((len + 7) & ~(size_t)7));
	ask->start_ns = fake->start_ns;
	ask->flags = fake->flags[part];
	return 0;
}

int __wrap_ioctl(int fd, unsigned long request, ...)
{
	struct sshobs_snapshot *ask;
	struct fake *fake;
	va_list args;

	va_start(args, request);
	ask = va_arg(args, struct sshobs_snapshot *);
	va_end(args);
	if (request != SSHOBS_IOC_SNAPSHOT || fd != 77)
		abort();
	fake = find(ask);
	errno = fake ? answer(ask, fake) : ESRCH;
	return errno ? -1 : 0;
}

/* --- one process ----------------------------------------------------------------- */

struct fake *fake_newest(void)
{
	return &fakes[n_fakes - 1];
}

static void append(enum sshobs_snapshot_what what, const void *bytes, size_t len)
{
	struct fake *fake = fake_newest();
	size_t at = fake->len[what - 1];

	fake->bytes[what - 1] = realloc(fake->bytes[what - 1], at + len + 1);
	memcpy(fake->bytes[what - 1] + at, bytes, len);
	fake->len[what - 1] += len;
}

static void limits(struct sshobs_limit *limit)
{
	unsigned int i;

	for (i = 0; i < SSHOBS_LIMITS; i++)
		limit[i] = (struct sshobs_limit){ SSHOBS_UNLIMITED, SSHOBS_UNLIMITED,
						  SSHOBS_UNCOUNTED };
	limit[RLIMIT_NOFILE] = (struct sshobs_limit){ 1024, 4096, 12 };
	limit[RLIMIT_NPROC] = (struct sshobs_limit){ 100, 100, 79 };
	limit[RLIMIT_SIGPENDING] = (struct sshobs_limit){ 10, 20, 8 };
	limit[RLIMIT_MEMLOCK] = (struct sshobs_limit){ 65536, 65536, 65536 };
	limit[RLIMIT_CORE] = (struct sshobs_limit){ 0, SSHOBS_UNLIMITED, SSHOBS_UNCOUNTED };
}

/* A process with memory; its exe is that of the argv unless it is a title. */
void fake_process(uint32_t pid, uint32_t ppid, uint32_t uid, const char *comm, const char *tty,
		  const char *exe, const char *argv)
{
	char bytes[sizeof(struct sshobs_task_info) + 256] = { 0 };
	struct sshobs_task_info *task = (void *)bytes;

	n_fakes++;
	fake_newest()->pid = pid;
	fake_newest()->start_ns = 1000000000ULL * pid;
	fake_newest()->error[SSHOBS_SNAPSHOT_EXEC_ENVIRON - 1] = ENODATA;
	*task = (struct sshobs_task_info){
		.exe_len = (uint32_t)strlen(exe),
		.start_ns = fake_newest()->start_ns,
		.start_boot_ns = fake_newest()->start_ns,
		.session = 7,
		.utime_ns = 12345678,
		.stime_ns = 2345678,
		.voluntary_switches = 42,
		.vm_kb = 17308,
		.vm_peak_kb = 17824,
		.rss_kb = 10720,
		.rss_peak_kb = 10800,
		.cap_bnd = 0x1ffffffffff,
		.pid = pid,
		.ppid = ppid,
		.pgid = pid,
		.sid = pid,
		.threads = 1,
		.uid = uid,
		.euid = uid,
		.suid = uid,
		.fsuid = uid,
		.gid = uid,
		.egid = uid,
		.sgid = uid,
		.fsgid = uid,
		.loginuid = FAKE_UID,
		.audit_session = 3,
		.state = 'S',
	};
	task->len = (uint32_t)((sizeof(*task) + task->exe_len + 7) & ~7UL);
	memcpy(task->comm, comm, strnlen(comm, sizeof(task->comm)));
	snprintf(task->tty, sizeof(task->tty), "%s", tty);
	limits(task->limits);
	memcpy(task->exe, exe, task->exe_len);
	append(SSHOBS_SNAPSHOT_TASK, bytes, task->len);
	append(SSHOBS_SNAPSHOT_ARGV, argv, strlen(argv) + 1);
	append(SSHOBS_SNAPSHOT_ENVIRON, "", 0);
	append(SSHOBS_SNAPSHOT_FDS, "", 0);
}

struct sshobs_task_info *fake_task(void)
{
	return (void *)fake_newest()->bytes[SSHOBS_SNAPSHOT_TASK - 1];
}

void fake_environ(const char *environ, size_t len)
{
	append(SSHOBS_SNAPSHOT_ENVIRON, environ, len);
}

void fake_exec_environ(const char *environ, size_t len)
{
	fake_newest()->error[SSHOBS_SNAPSHOT_EXEC_ENVIRON - 1] = 0;
	append(SSHOBS_SNAPSHOT_EXEC_ENVIRON, environ, len);
}

void fake_cut(enum sshobs_snapshot_what what)
{
	fake_newest()->flags[what - 1] |= SSHOBS_SNAPSHOT_CUT;
}

/* Where the next part of a descriptor's data begins. */
static size_t put_part(unsigned char *to, size_t at, const void *bytes, size_t len)
{
	memcpy(to + at, bytes, len);
	return (at + len + 7) & ~(size_t)7;
}

/* A descriptor; names may hold NUL, so their lengths are in @fd. */
void fake_fd(struct sshobs_fd fd, const char *path, const char *local, const char *peer,
	     const struct tcp_info *info)
{
	unsigned char bytes[2048] = { 0 };
	size_t at = 0;

	fd.path_len = (uint32_t)strlen(path);
	fd.tcp_info_len = info ? sizeof(*info) : 0;
	at = put_part(bytes + sizeof(fd), at, path, fd.path_len);
	at = put_part(bytes + sizeof(fd), at, local, fd.local_name_len);
	at = put_part(bytes + sizeof(fd), at, peer, fd.peer_name_len);
	at = put_part(bytes + sizeof(fd), at, info ? (const void *)info : "", fd.tcp_info_len);
	fd.len = (uint32_t)(sizeof(fd) + at);
	memcpy(bytes, &fd, sizeof(fd));
	append(SSHOBS_SNAPSHOT_FDS, bytes, fd.len);
}

void fake_file(uint32_t number, const char *path, uint32_t flags)
{
	fake_fd((struct sshobs_fd){ .fd = number,
				    .mode = S_IFCHR | 0666,
				    .flags = flags,
				    .dev = 5,
				    .rdev = 0x103,
				    .pts = SSHOBS_NO_PTS,
				    .ino = 4 },
		path, "", "", NULL);
}

void fake_fds(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fake_file(i, "/dev/null", O_RDWR);
}

void fake_pts(uint32_t number, uint32_t index)
{
	char path[32];

	snprintf(path, sizeof(path), "/dev/pts/%u", index);
	fake_fd((struct sshobs_fd){ .fd = number,
				    .kind = SSHOBS_FD_TTY,
				    .flags = O_RDWR,
				    .pts = index,
				    .ino = index + 3 },
		path, "", "", NULL);
}

void fake_ptmx(uint32_t number, uint32_t index)
{
	fake_fd((struct sshobs_fd){ .fd = number,
				    .kind = SSHOBS_FD_PTMX,
				    .flags = O_RDWR | O_NONBLOCK,
				    .pts = index,
				    .ino = 2 },
		"/dev/ptmx", "", "", NULL);
}

void fake_pipe(uint32_t number, uint64_t ino, uint32_t flags)
{
	char path[32];

	snprintf(path, sizeof(path), "pipe:[%llu]", (unsigned long long)ino);
	fake_fd((struct sshobs_fd){ .fd = number,
				    .kind = SSHOBS_FD_PIPE,
				    .flags = flags,
				    .pts = SSHOBS_NO_PTS,
				    .ino = ino },
		path, "", "", NULL);
}

void fake_unix_socket(uint32_t number, uint64_t ino, uint64_t peer)
{
	char path[32];

	snprintf(path, sizeof(path), "socket:[%llu]", (unsigned long long)ino);
	fake_fd((struct sshobs_fd){ .fd = number,
				    .kind = SSHOBS_FD_SOCKET,
				    .flags = O_RDWR | O_CLOEXEC,
				    .pts = SSHOBS_NO_PTS,
				    .ino = ino,
				    .family = AF_UNIX,
				    .type = SOCK_STREAM,
				    .state = 1,
				    .peer_ino = peer },
		path, "", "", NULL);
}

static struct sshobs_endpoint end(const char *address, uint16_t port)
{
	struct sshobs_endpoint end = { .family = AF_INET, .port = port };

	inet_pton(AF_INET, address, end.addr);
	return end;
}

void fake_connection(uint32_t number, uint64_t ino, uint64_t cookie)
{
	static const struct tcp_info info = {
		.tcpi_state = 1,
		.tcpi_rto = 204000,
		.tcpi_snd_mss = 1448,
		.tcpi_rcv_mss = 536,
		.tcpi_pmtu = 1500,
		.tcpi_rtt = 12193,
		.tcpi_rttvar = 6019,
		.tcpi_min_rtt = 9950,
		.tcpi_snd_ssthresh = 0x7fffffff,
		.tcpi_snd_cwnd = 10,
		.tcpi_total_retrans = 2,
		.tcpi_data_segs_out = 40,
		.tcpi_data_segs_in = 31,
		.tcpi_bytes_sent = 49290,
		.tcpi_bytes_acked = 49290,
		.tcpi_bytes_retrans = 2896,
		.tcpi_bytes_received = 3973,
		.tcpi_delivery_rate = 1250000,
		.tcpi_snd_wnd = 64256,
		.tcpi_last_data_sent = 384,
		.tcpi_last_data_recv = 864,
	};
	char path[32];

	snprintf(path, sizeof(path), "socket:[%llu]", (unsigned long long)ino);
	fake_fd((struct sshobs_fd){ .fd = number,
				    .kind = SSHOBS_FD_SOCKET,
				    .flags = O_RDWR | O_NONBLOCK | O_CLOEXEC,
				    .pts = SSHOBS_NO_PTS,
				    .ino = ino,
				    .family = AF_INET,
				    .type = SOCK_STREAM,
				    .protocol = 6,
				    .state = 1,
				    .cookie = cookie,
				    .local = end("172.31.40.53", 22),
				    .peer = end("203.0.113.7", 51512) },
		path, "", "", &info);
}

void fake_forget(void)
{
	size_t i, part;

	for (i = 0; i < n_fakes; i++)
		for (part = 0; part < FAKE_PARTS; part++)
			free(fakes[i].bytes[part]);
	memset(fakes, 0, sizeof(fakes));
	n_fakes = 0;
}
