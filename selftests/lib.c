// SPDX-License-Identifier: GPL-2.0
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "lib.h"

#define PARAMS_FILE	"/run/sshobs-selftests-params"

extern char **environ;

uint64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000ULL + now.tv_nsec / 1000000;
}

/* Between two looks at something that cannot be waited for. */
static void pause_a_little(void)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	nanosleep(&pause, NULL);
}

unsigned long scaled(unsigned long full)
{
	const char *given = getenv("SCALE");
	unsigned long percent = given ? strtoul(given, NULL, 10) : 1;

	if (percent < 1 || percent > 100)
		percent = 1;
	return (full * percent + 99) / 100;
}

/* --- the module ------------------------------------------------------------- */

const char *module_path(void)
{
	static char path[256];
	const char *given = getenv("SSHOBS_KO");
	struct utsname uts;

	if (given)
		return given;
	uname(&uts);
	snprintf(path, sizeof(path), "/lib/modules/%s/updates/sshobs.ko", uts.release);
	return path;
}

int module_load(const char *params)
{
	int fd = open(module_path(), O_RDONLY | O_CLOEXEC);
	const char *seeded = getenv("SEEDED");
	char all[1024];
	int err = 0;

	if (fd < 0)
		return -errno;
	unlink(PARAMS_FILE);
	snprintf(all, sizeof(all), "%s %s", params, seeded ? seeded : "");
	if (syscall(SYS_finit_module, fd, all, 0))
		err = -errno;
	close(fd);
	return err;
}

int module_unload(void)
{
	unlink(PARAMS_FILE);
	return syscall(SYS_delete_module, "sshobs", O_NONBLOCK) ? -errno : 0;
}

bool module_loaded(void)
{
	return !access("/sys/module/sshobs", F_OK);
}

/* Who was killed a moment ago may hold the device for another moment. */
static int module_unload_patiently(void)
{
	uint64_t start = now_ms();
	int err;

	while ((err = module_unload()) == -EWOULDBLOCK && now_ms() - start < SECONDS * 1000)
		pause_a_little();
	return err;
}

int module_reload(const char *params)
{
	int err = module_loaded() ? module_unload_patiently() : 0;

	if (!err)
		err = module_load(params);
	if (!err)
		write_file(PARAMS_FILE, params, strlen(params));
	return err;
}

int module_want(const char *params)
{
	char *loaded = read_file(PARAMS_FILE);
	bool same = module_loaded() && loaded && !strcmp(loaded, params);

	free(loaded);
	return same ? 0 : module_reload(params);
}

/* --- the device ------------------------------------------------------------- */

int records_open(int flags)
{
	const __u32 format = SSHOBS_FORMAT_BINARY;
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC | flags);

	if (fd >= 0 && ioctl(fd, SSHOBS_IOC_SET_FORMAT, &format)) {
		close(fd);
		return -1;
	}
	return fd;
}

int records_open_now(int flags)
{
	int fd = records_open(flags);

	if (fd >= 0 && lseek(fd, 0, SEEK_END)) {
		close(fd);
		return -1;
	}
	return fd;
}

bool probe_of(int fd, const char *symbol, struct sshobs_probe *probe)
{
	__u32 i;

	for (i = 0;; i++) {
		*probe = (struct sshobs_probe){ .index = i };
		if (ioctl(fd, SSHOBS_IOC_PROBE, probe))
			return false;
		if (!strcmp(probe->symbol, symbol))
			return true;
	}
}

ssize_t mark(const void *text, size_t len)
{
	int fd = open(DEVICE, O_WRONLY | O_CLOEXEC);
	ssize_t ret;

	if (fd < 0)
		return -1;
	ret = write(fd, text, len);
	close(fd);
	return ret;
}

/* --- a log ------------------------------------------------------------------ */

bool log_open(struct log *log)
{
	memset(log, 0, sizeof(*log));
	log->fd = records_open_now(O_NONBLOCK);
	return log->fd >= 0;
}

void log_close(struct log *log)
{
	while (log->count)
		free(log->recs[--log->count]);
	free(log->recs);
	if (log->fd > 0)
		close(log->fd);
	memset(log, 0, sizeof(*log));
}

static void log_add(struct log *log, const struct sshobs_hdr *hdr)
{
	struct sshobs_hdr *copy = malloc(hdr->len);

	if (log->count == log->size) {
		log->size = log->size ? 2 * log->size : 256;
		log->recs = realloc(log->recs, log->size * sizeof(*log->recs));
	}
	if (!copy || !log->recs)
		abort();
	log->recs[log->count++] = memcpy(copy, hdr, hdr->len);
}

bool log_more(struct log *log, int timeout_ms)
{
	static char buf[65536] __attribute__((aligned(8)));
	struct pollfd poll_fd = { .fd = log->fd, .events = POLLIN };
	const struct sshobs_hdr *hdr;
	ssize_t len;

	if (poll(&poll_fd, 1, timeout_ms) != 1)
		return false;
	len = read(log->fd, buf, sizeof(buf));
	/* A writer may still be at it. */
	if (len < 0)
		return errno == EAGAIN;
	for_each_record(hdr, buf, len)
		log_add(log, hdr);
	return true;
}

static bool matches(const struct sshobs_hdr *hdr, struct want want)
{
	return (!want.type || hdr->type == want.type) &&
	       (!want.session || hdr->session == want.session) &&
	       (!want.pid || hdr->pid == (__u32)want.pid);
}

ssize_t log_index(const struct log *log, struct want want, size_t from)
{
	for (; from < log->count; from++)
		if (matches(log->recs[from], want))
			return from;
	return -1;
}

const struct sshobs_hdr *log_find(const struct log *log, struct want want)
{
	ssize_t i = log_index(log, want, 0);

	return i < 0 ? NULL : log->recs[i];
}

size_t log_count(const struct log *log, struct want want)
{
	size_t count = 0;
	ssize_t i;

	for (i = log_index(log, want, 0); i >= 0; i = log_index(log, want, i + 1))
		count++;
	return count;
}

/* Read on for a condition; false when time is up. */
static bool log_read_on(struct log *log, uint64_t start)
{
	int64_t left = start + SECONDS * 1000 - now_ms();

	return left > 0 && log_more(log, left);
}

const struct sshobs_hdr *log_wait(struct log *log, struct want want)
{
	uint64_t start = now_ms();
	size_t seen = 0;
	ssize_t i;

	while ((i = log_index(log, want, seen)) < 0) {
		seen = log->count;
		if (!log_read_on(log, start))
			return NULL;
	}
	return log->recs[i];
}

unsigned int incomplete_of(struct log *log, uint64_t session)
{
	const struct sshobs_hdr *end = log_wait(log, IN(SSHOBS_END, session));

	return end ? ((const struct sshobs_end *)body(end))->incomplete : ~0U;
}

bool log_wait_count(struct log *log, struct want want, size_t count)
{
	uint64_t start = now_ms();

	while (log_count(log, want) < count)
		if (!log_read_on(log, start))
			return false;
	return true;
}

static uint64_t log_session(const struct log *log, uint16_t peer_port)
{
	size_t i;

	for (i = 0; i < log->count; i++) {
		const struct sshobs_accept *accepted = body(log->recs[i]);

		if (log->recs[i]->type != SSHOBS_ACCEPT && log->recs[i]->type != SSHOBS_ADOPT)
			continue;
		if (accepted->peer.port == peer_port)
			return log->recs[i]->session;
	}
	return 0;
}

uint64_t log_wait_session(struct log *log, uint16_t peer_port)
{
	uint64_t start = now_ms();
	uint64_t session;

	while (!(session = log_session(log, peer_port)))
		if (!log_read_on(log, start))
			return 0;
	return session;
}

bool log_sync(struct log *log)
{
	uint64_t start = now_ms();
	size_t seen = log->count;
	char text[64];
	int len;

	/* Nobody else writes this text. */
	len = snprintf(text, sizeof(text), "sync %d %llu", getpid(), (unsigned long long)start);
	if (mark(text, len) != len)
		return false;
	for (;;) {
		for (; seen < log->count; seen++) {
			const struct sshobs_mark *rec = body(log->recs[seen]);

			if (log->recs[seen]->type == SSHOBS_MARK &&
			    rec->text_len == (__u32)len && !memcmp(rec->text, text, len))
				return true;
		}
		if (!log_read_on(log, start))
			return false;
	}
}

void log_print(const struct log *log, uint64_t session)
{
	static char line[SSHOBS_TEXT_MAX];
	size_t i, printed = 0;

	for (i = 0; i < log->count && printed < 100; i++) {
		const struct sshobs_hdr *hdr = log->recs[i];

		if (session && hdr->session != session)
			continue;
		printed++;
		fprintf(stderr, "#   %llu %.*s", (unsigned long long)hdr->seq,
			(int)sshobs_text(hdr, line, sizeof(line)), line);
	}
}

/* Of a log, from a record on: the next one that is not of its reader's own making. */
static size_t log_skip_lost(const struct log *log, size_t i)
{
	while (i < log->count && log->recs[i]->type == SSHOBS_LOST)
		i++;
	return i;
}

bool log_is_text_of_device(const struct log *log)
{
	static char want[SSHOBS_TEXT_MAX];
	size_t i = log_skip_lost(log, 0), first = i, size = 0;
	ssize_t len = 0, want_len;
	char *line = NULL;
	FILE *device;

	if (i == log->count)
		return true;
	device = fdopen(open(DEVICE, O_RDONLY | O_NONBLOCK | O_CLOEXEC), "r");
	while (device && i < log->count && (len = getline(&line, &size, device)) > 0) {
		want_len = sshobs_text(log->recs[i], want, sizeof(want));
		if (len == want_len && !memcmp(line, want, len))
			i = log_skip_lost(log, i + 1);
		else if (i > first)
			break;
	}
	if (i < log->count) {
		want_len = sshobs_text(log->recs[i], want, sizeof(want));
		fprintf(stderr, "# not a line of the device: %.*s", (int)want_len, want);
		if (len > 0)
			fprintf(stderr, "# but: %.*s", (int)len, line);
	}
	free(line);
	if (device)
		fclose(device);
	return i == log->count;
}

/* --- connections ------------------------------------------------------------ */

union address {
	struct sockaddr		any;
	struct sockaddr_in	v4;
	struct sockaddr_in6	v6;
};

static socklen_t address_of(union address *address, int family, uint16_t port, bool any)
{
	memset(address, 0, sizeof(*address));
	if (family == AF_INET6) {
		address->v6.sin6_family = AF_INET6;
		address->v6.sin6_port = htons(port);
		address->v6.sin6_addr = any ? in6addr_any : in6addr_loopback;
		return sizeof(address->v6);
	}
	address->v4.sin_family = AF_INET;
	address->v4.sin_port = htons(port);
	address->v4.sin_addr.s_addr = htonl(any ? INADDR_ANY : INADDR_LOOPBACK);
	return sizeof(address->v4);
}

int listen_on(int family, uint16_t port)
{
	int sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address address;
	socklen_t len = address_of(&address, family, port, true);
	const int on = 1;

	if (sock < 0)
		return -1;
	setsockopt(sock, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(sock, &address.any, len) || listen(sock, 128)) {
		close(sock);
		return -1;
	}
	return sock;
}

uint16_t port_of(int sock)
{
	union address address;
	socklen_t len = sizeof(address);

	if (getsockname(sock, &address.any, &len))
		return 0;
	/* Both families have it at the same place. */
	return ntohs(address.v4.sin_port);
}

int connect_to(int family, uint16_t port, uint16_t *own_port)
{
	int sock = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	union address address;
	socklen_t len = address_of(&address, family, 0, false);

	if (sock < 0)
		return -1;
	if (bind(sock, &address.any, len))
		goto close_sock;
	/* Known before the server can see it. */
	if (own_port)
		*own_port = port_of(sock);
	address_of(&address, family, port, false);
	if (connect(sock, &address.any, len))
		goto close_sock;
	return sock;

close_sock:
	close(sock);
	return -1;
}

void reset(int sock)
{
	const struct linger at_once = { .l_onoff = 1 };

	setsockopt(sock, SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
	close(sock);
}

bool send_fd(int sock, int fd)
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

int receive_fd(int sock)
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

/* --- processes -------------------------------------------------------------- */

bool stay_on(int cpu)
{
	cpu_set_t one;

	CPU_ZERO(&one);
	CPU_SET(cpu, &one);
	return !sched_setaffinity(0, sizeof(one), &one);
}

#define AT_ONCE	2

static struct {
	void	(*call)(void);
	int	ready;
} rendezvous;

static void *meet(void *arg)
{
	(void)arg;
	__atomic_fetch_add(&rendezvous.ready, 1, __ATOMIC_SEQ_CST);
	while (__atomic_load_n(&rendezvous.ready, __ATOMIC_SEQ_CST) < AT_ONCE)
		;
	rendezvous.call();
	return NULL;
}

void at_once(void (*call)(void))
{
	pthread_t thread[AT_ONCE];
	int i;

	rendezvous.call = call;
	rendezvous.ready = 0;
	for (i = 0; i < AT_ONCE; i++)
		pthread_create(&thread[i], NULL, meet, NULL);
	for (i = 0; i < AT_ONCE; i++)
		pthread_join(thread[i], NULL);
}

/* The nth field of /proc/PID/stat, from the third on, or NULL; the file has to be freed. */
static const char *stat_field(pid_t pid, int n, char **stat)
{
	char path[64], *at;

	snprintf(path, sizeof(path), "/proc/%d/stat", pid);
	*stat = read_file(path);
	/* The name before it may hold anything, ')' too. */
	at = *stat ? strrchr(*stat, ')') : NULL;
	for (; at && n > 2; n--)
		at = strchr(at + 1, ' ');
	return at ? at + 1 : NULL;
}

uint64_t stat_number(pid_t pid, int n)
{
	char *stat;
	const char *field = stat_field(pid, n, &stat);
	uint64_t number = field ? strtoull(field, NULL, 10) : 0;

	free(stat);
	return number;
}

static pid_t parent_of(pid_t pid)
{
	return stat_number(pid, 4);
}

static bool descends_from(pid_t pid, pid_t ancestor)
{
	while (pid > 1 && pid != ancestor)
		pid = parent_of(pid);
	return pid == ancestor;
}

static void kill_descendants(pid_t ancestor, pid_t spare)
{
	struct dirent *entry;
	DIR *proc = opendir("/proc");

	while (proc && (entry = readdir(proc))) {
		pid_t pid = atoi(entry->d_name);

		if (pid > 1 && pid != spare && pid != ancestor && descends_from(pid, ancestor))
			kill(pid, SIGKILL);
	}
	if (proc)
		closedir(proc);
}

/* What a test left behind is a child of the program by now: it inherits orphans. */
static void __attribute__((constructor)) inherit_orphans(void)
{
	prctl(PR_SET_CHILD_SUBREAPER, 1);
}

void clean_start(void)
{
	kill_descendants(getppid(), getpid());
	inherit_orphans();
	signal(SIGPIPE, SIG_IGN);
}

int wait_for(pid_t pid)
{
	uint64_t start = now_ms();
	int status;
	pid_t got;

	while (!(got = waitpid(pid, &status, WNOHANG))) {
		if (now_ms() - start > SECONDS * 1000)
			return -1;
		pause_a_little();
	}
	return got == pid ? status : -1;
}

int run(const char *const argv[])
{
	posix_spawnattr_t attr;
	sigset_t pipe;
	pid_t pid;
	int status;

	/* Programs expect to die of a broken pipe. */
	sigemptyset(&pipe);
	sigaddset(&pipe, SIGPIPE);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigdefault(&attr, &pipe);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGDEF);
	status = posix_spawnp(&pid, argv[0], NULL, &attr, (char **)argv, environ);
	posix_spawnattr_destroy(&attr);
	if (status)
		return -1;
	status = wait_for(pid);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

int run_shell(const char *line)
{
	return run((const char *[]){ "sh", "-c", line, NULL });
}

/* What ps would say: R, S, D, Z ... X: there is no such process. */
static char state_of(pid_t pid)
{
	char *stat;
	const char *field = stat_field(pid, 3, &stat);
	char state = field ? *field : 'X';

	free(stat);
	return state;
}

/* "running", or the number of the call and its arguments. */
static bool in_syscall(pid_t pid, long nr)
{
	char path[64], *line;
	bool there;

	snprintf(path, sizeof(path), "/proc/%d/syscall", pid);
	line = read_file(path);
	there = line && line[0] >= '0' && line[0] <= '9' && atol(line) == nr;
	free(line);
	return there;
}

/* Who has died comes nowhere. */
static bool may_still_come(pid_t pid, uint64_t start)
{
	return !strchr("ZX", state_of(pid)) && now_ms() - start < SECONDS * 1000;
}

bool wait_in_syscall(pid_t pid, long nr)
{
	uint64_t start = now_ms();

	while (may_still_come(pid, start)) {
		/* Asking for the call of a task that waits for its disk makes 7.3 complain. */
		if (state_of(pid) == 'S' && in_syscall(pid, nr))
			return true;
		pause_a_little();
	}
	return false;
}

static bool in_function(pid_t pid, const char *function)
{
	char path[64], *stack;
	bool there;

	snprintf(path, sizeof(path), "/proc/%d/stack", pid);
	stack = read_file(path);
	there = stack && strstr(stack, function);
	free(stack);
	return there;
}

bool wait_in_function(pid_t pid, const char *function)
{
	uint64_t start = now_ms();

	while (may_still_come(pid, start)) {
		if (strchr("SD", state_of(pid)) && in_function(pid, function))
			return true;
		pause_a_little();
	}
	return false;
}

int read_byte(int fd)
{
	struct pollfd poll_fd = { .fd = fd, .events = POLLIN };
	char byte;

	if (poll(&poll_fd, 1, SECONDS * 1000) != 1)
		return -1;
	return read(fd, &byte, 1);
}

static char *read_all(int fd, size_t *len)
{
	size_t size = 4096, have = 0;
	char *bytes = malloc(size + 1);
	ssize_t n;

	while (bytes && (n = read(fd, bytes + have, size - have)) > 0) {
		have += n;
		if (have == size)
			bytes = realloc(bytes, (size *= 2) + 1);
	}
	if (!bytes || n < 0) {
		free(bytes);
		return NULL;
	}
	bytes[have] = '\0';
	if (len)
		*len = have;
	return bytes;
}

char *read_bytes(const char *path, size_t *len)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	char *bytes;

	if (fd < 0)
		return NULL;
	bytes = read_all(fd, len);
	close(fd);
	return bytes;
}

char *read_file(const char *path)
{
	return read_bytes(path, NULL);
}

bool write_file(const char *path, const void *bytes, size_t len)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	bool done;

	if (fd < 0)
		return false;
	done = write(fd, bytes, len) == (ssize_t)len;
	return !close(fd) && done;
}

bool set_switch(const char *path, char value)
{
	return write_file(path, &value, 1);
}

const char *self_path(void)
{
	static char path[4096];
	ssize_t len = readlink("/proc/self/exe", path, sizeof(path) - 1);

	path[len > 0 ? len : 0] = '\0';
	return path;
}

bool drop_cap(unsigned int cap)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[cap / 32].effective &= ~(1U << cap % 32);
	return !syscall(SYS_capset, &header, data);
}

bool become_root_of_namespaces(int flags)
{
	return !unshare(flags) && write_file("/proc/self/uid_map", "0 0 1\n", 6) &&
	       write_file("/proc/self/setgroups", "deny", 4) &&
	       write_file("/proc/self/gid_map", "0 0 1\n", 6) && !getuid();
}

bool become_nobody(void)
{
	return !setgroups(0, NULL) && !setresgid(NOBODY, NOBODY, NOBODY) &&
	       !setresuid(NOBODY, NOBODY, NOBODY);
}
