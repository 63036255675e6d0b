// SPDX-License-Identifier: GPL-2.0
/*
 * No kernel address and no uninitialised byte reaches user space: so many records of each
 * type, and each ioctl's answer. It proves most where what is not initialised can be told
 * from zero: selftests/qemu/vm --variant poisoned --append 'init_on_alloc=0 init_on_free=0
 * slub_debug=P page_poison=1'.
 */
#include "shape.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"
#include "scene.h"

#define RECORDS		10000
#define LAST_MARK	"no more of them"
/* What is behind the end of what the kernel wrote. */
#define BEHIND		0xa5

/* --- who looks --------------------------------------------------------------- */

static unsigned long counts[TYPES];

static bool is_last(const struct sshobs_hdr *hdr)
{
	const struct sshobs_mark *rec = body(hdr);

	return hdr->type == SSHOBS_MARK && rec->text_len == strlen(LAST_MARK) &&
	       !memcmp(rec->text, LAST_MARK, rec->text_len);
}

/* Return false at the last one. */
static bool look_at(const char *buf, ssize_t len)
{
	const struct sshobs_hdr *hdr;

	for_each_record(hdr, buf, len) {
		if (!hdr->type || hdr->type >= TYPES || hdr->hdr_len != sizeof(*hdr)) {
			finding("record", 0, hdr, 8, "not initialised: no type");
			return false;
		}
		check_record(sshobs_type_name(hdr->type), hdr);
		counts[hdr->type]++;
		if (is_last(hdr))
			return false;
	}
	return true;
}

static char *behind(size_t size)
{
	char *buf = aligned_alloc(8, size);

	return buf ? memset(buf, BEHIND, size) : NULL;
}

static void check_behind(const char *of, const char *buf, size_t from, size_t to)
{
	for (; from < to; from++) {
		if ((unsigned char)buf[from] != BEHIND) {
			finding(of, from, buf + from, 1, "written behind the end");
			return;
		}
	}
}

static void *look_at_records(void *arg)
{
	int fd = *(int *)arg;
	const size_t size = 65536;
	char *buf = behind(size);
	ssize_t len;

	do {
		memset(buf, BEHIND, size);
		len = read(fd, buf, size);
		if (len < 0)
			break;
		check_behind("read", buf, len, size);
	} while (look_at(buf, len));
	free(buf);
	return NULL;
}

/* Sixteen hexadecimal or twenty decimal digits that are an address; not all ones, which is none. */
static void check_digits(const char *digits, size_t len)
{
	char number[32] = "";

	if (len != 16 && len != 20)
		return;
	memcpy(number, digits, len);
	if (is_address(strtoull(number, NULL, len == 16 ? 16 : 10)))
		finding("text", 0, digits, len, "an address of the kernel");
}

static void *look_at_text(void *arg)
{
	FILE *file = fdopen(*(int *)arg, "r");
	char *line = NULL;
	size_t size = 0;

	while (getline(&line, &size, file) > 0 && !strstr(line, LAST_MARK)) {
		const char *at = line;

		check_text("text", line, 0, strlen(line));
		while (*at) {
			size_t len = strspn(at, "0123456789abcdef");

			check_digits(at, len);
			at += len ? len : 1;
		}
	}
	free(line);
	fclose(file);
	return NULL;
}

struct lookers {
	int		records;
	int		text;
	pthread_t	at_records;
	pthread_t	at_text;
};

static bool lookers_start(struct lookers *lookers)
{
	memset(counts, 0, sizeof(counts));
	lookers->records = records_open(0);
	lookers->text = open(DEVICE, O_RDONLY | O_CLOEXEC);
	return lookers->records >= 0 && lookers->text >= 0 &&
	       !pthread_create(&lookers->at_records, NULL, look_at_records, &lookers->records) &&
	       !pthread_create(&lookers->at_text, NULL, look_at_text, &lookers->text);
}

static void lookers_end(struct lookers *lookers)
{
	mark(LAST_MARK, strlen(LAST_MARK));
	pthread_join(lookers->at_records, NULL);
	pthread_join(lookers->at_text, NULL);
	close(lookers->records);
}

/* --- what there is to look at -------------------------------------------------- */

static unsigned long many;

static void cred_connect_log_and_mark(void)
{
	static const char line[] = "<38>Jan  1 00:00:00 test[1]: a line of a member";
	const struct sockaddr_un log_name = { AF_UNIX, "/dev/log" };
	const struct sockaddr_un nowhere = { AF_UNIX, "/no/such/socket" };
	const struct sockaddr_in udp = { AF_INET, htons(9), { htonl(INADDR_LOOPBACK) }, "" };
	int log_sock = socket(AF_UNIX, SOCK_DGRAM, 0), device = open(DEVICE, O_WRONLY), sock;
	unsigned long i;

	connect(log_sock, (const void *)&log_name, sizeof(log_name));
	for (i = 0; i < many; i++) {
		if (seteuid(i % 2 ? 0 : NOBODY))
			_exit(126);
		sock = socket(i % 2 ? AF_INET : AF_UNIX, i % 4 < 3 ? SOCK_DGRAM : SOCK_STREAM, 0);
		if (i % 2)
			connect(sock, (const void *)&udp, sizeof(udp));
		else
			connect(sock, (const void *)&nowhere, sizeof(nowhere));
		close(sock);
		if (send(log_sock, line, sizeof(line) - 1, 0) < 0 || write(device, "of a member", i % 11 + 1) < 0)
			_exit(126);
	}
	if (seteuid(0))
		_exit(126);
	close(device);
	close(log_sock);
}

#define PTY_MAX		"/proc/sys/kernel/pty/max"

static void terminals(void)
{
	char *max = read_file(PTY_MAX);
	unsigned long i;

	for (i = 0; i < many; i++)
		close(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	if (!max || !write_file(PTY_MAX, "0", 1))
		_exit(126);
	for (i = 0; i < many; i++)
		close(open("/dev/ptmx", O_RDWR | O_NOCTTY));
	if (!write_file(PTY_MAX, max, strlen(max)))
		_exit(126);
	free(max);
}

static void failures(void)
{
	unsigned long i;

	for (i = 0; i < many; i++) {
		execl("/no/such/program" + i % 8, "program", NULL);
		if (raw_clone(CLONE_SIGHAND) >= 0)
			_exit(126);
	}
}

static void forks(void)
{
	unsigned long i;

	for (i = 0; i < many; i++) {
		pid_t pid = vfork();

		if (!pid)
			_exit(i & 0xff);
		waitpid(pid, NULL, 0);
	}
}

/* It looks for input, and becomes itself again, so often as it was told. */
static int play_prompt(int argc, char **argv)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char number[16];

	(void)argc;
	poll(&poll_fd, 1, 0);
	snprintf(number, sizeof(number), "%d", atoi(argv[2]) - 1);
	if (atoi(number))
		execl(self_path(), "leaks" + atoi(number) % 4, "role:prompt", number, NULL);
	return 0;
}

static void execs_and_prompts(void)
{
	char number[16];
	int master;
	pid_t pid;

	snprintf(number, sizeof(number), "%lu", many);
	master = open_master();
	pid = fork();
	if (!pid) {
		setsid();
		dup2(open(ptsname(master), O_RDWR), STDIN_FILENO);
		execl(self_path(), "leaks", "role:prompt", number, NULL);
		_exit(127);
	}
	waitpid(pid, NULL, 0);
	close(master);
}

static void all_of_a_member(int sock)
{
	cred_connect_log_and_mark();
	terminals();
	failures();
	forks();
	execs_and_prompts();
	(void)sock;
}

/* Two lines in clear text, and no child: refused. */
static void serve_strangers(void)
{
	static const char banner[] = "SSH-2.0-server\r\n";
	char line[64];
	unsigned long i;

	for (i = 0; i < many; i++) {
		int sock = accept4(nested_listener, NULL, NULL, SOCK_CLOEXEC);

		if (read(sock, line, sizeof(line)) <= 0 || write(sock, banner, sizeof(banner) - 1) < 0)
			_exit(126);
		until_closed(sock);
		close(sock);
	}
}

/* No more in a second than there are records of SYNs. */
static bool knock(void)
{
	static const char banner[] = "SSH-2.0-client\r\n";
	unsigned long i;
	char line[64];

	for (i = 0; i < many; i++) {
		uint64_t start = now_ms();
		int sock = connect_to(AF_INET, PORT_NESTED, NULL);

		if (sock < 0 || write(sock, banner, sizeof(banner) - 1) < 0 ||
		    read(sock, line, sizeof(line)) <= 0)
			return false;
		close(sock);
		while (now_ms() - start < 11)
			sched_yield();
	}
	return true;
}

static void serve_all(void)
{
	pid_t strangers = fork();

	if (!strangers) {
		close(listener);
		serve_strangers();
		_exit(0);
	}
	serve_part();
}

FIXTURE(leaks) {
	struct lookers lookers;
};

FIXTURE_SETUP(leaks)
{
	clean_start();
	many = scaled(RECORDS);
	findings = 0;
	ASSERT_EQ(0, module_reload(PORTS " ring_kb=65536"));
}

FIXTURE_TEARDOWN(leaks)
{
	printf("# %lu findings\n", findings);
}

static void expect_many(struct __test_metadata *_metadata, const unsigned int *types)
{
	for (; *types; types++) {
		printf("# %lu of %s\n", counts[*types], sshobs_type_name(*types));
		EXPECT_LE(many, counts[*types]) TH_LOG("too few of %s", sshobs_type_name(*types));
	}
	EXPECT_EQ(0UL, findings);
}

TEST_F_TIMEOUT(leaks, records_have_no_byte_but_their_own, 3000)
{
	static const unsigned int types[] = {
		SSHOBS_ACCEPT, SSHOBS_CLONE, SSHOBS_CLONE_FAIL, SSHOBS_EXEC, SSHOBS_EXEC_FAIL,
		SSHOBS_CRED, SSHOBS_PTY, SSHOBS_PROMPT, SSHOBS_EXIT, SSHOBS_CLOSE, SSHOBS_END,
		SSHOBS_MARK, SSHOBS_SYN, SSHOBS_ESTABLISHED, SSHOBS_WIRE, SSHOBS_LOG,
		SSHOBS_CONNECT, SSHOBS_READING, SSHOBS_PTY_FAIL, 0
	};
	int release, client, status;
	pid_t server;

	ASSERT_TRUE(lookers_start(&self->lookers));
	part = all_of_a_member;
	release = scene_start(AF_INET, serve_all, &server);
	ASSERT_LE(0, release);
	client = connect_to(AF_INET, PORT, NULL);
	ASSERT_LE(0, client);
	EXPECT_TRUE(knock());
	ASSERT_EQ(server, waitpid(server, &status, 0));
	EXPECT_EQ(3, scene->member[0].code) TH_LOG("the member failed in its part");
	close(client);
	close(release);
	/* The last reading is made behind the back of its prompt. */
	sleep(1);
	lookers_end(&self->lookers);
	expect_many(_metadata, types);
}

/* --- adopt and lost ------------------------------------------------------------ */

#define ADOPTED		50

static void wait_to_be_adopted(int sock)
{
	(void)sock;
	close(nested_listener);
	close(listener);
	until_closed(hold);
}

static void serve_and_wait(void)
{
	serve_parts(nested_listener, ADOPTED);
}

TEST_F_TIMEOUT(leaks, adopted_sessions_have_no_byte_but_their_own, 3000)
{
	int client[ADOPTED], release, i, status;
	pid_t server;

	part = wait_to_be_adopted;
	release = scene_start(AF_INET, serve_and_wait, &server);
	ASSERT_LE(0, release);
	for (i = 0; i < ADOPTED; i++) {
		client[i] = connect_to(AF_INET, PORT_NESTED, NULL);
		ASSERT_LE(0, client[i]);
	}
	memset(counts, 0, sizeof(counts));
	do {
		char *buf = behind(1 << 20);
		int fd;

		ASSERT_EQ(0, module_reload(PORTS));
		fd = records_open(O_NONBLOCK);
		ASSERT_LE(0, fd);
		ASSERT_TRUE(look_at(buf, read(fd, buf, 1 << 20)));
		close(fd);
		free(buf);
		ASSERT_NE(0UL, counts[SSHOBS_ADOPT]);
	} while (counts[SSHOBS_ADOPT] < many);
	for (i = 0; i < ADOPTED; i++)
		close(client[i]);
	close(release);
	ASSERT_EQ(server, waitpid(server, &status, 0));
	expect_many(_metadata, (const unsigned int[]){ SSHOBS_ADOPT, 0 });
}

TEST_F_TIMEOUT(leaks, a_loss_has_no_byte_but_its_own, 3000)
{
	static char text[SSHOBS_MARK_MAX];
	char *buf = behind(SSHOBS_RECORD_MAX);
	int fd, device, i;

	ASSERT_EQ(0, module_reload(PORTS " ring_kb=64"));
	memset(text, 'm', sizeof(text));
	memset(counts, 0, sizeof(counts));
	fd = records_open(O_NONBLOCK);
	device = open(DEVICE, O_WRONLY);
	while (counts[SSHOBS_LOST] < many) {
		for (i = 0; i < 64; i++) {
			ASSERT_EQ((ssize_t)sizeof(text), write(device, text, sizeof(text)));
		}
		ASSERT_TRUE(look_at(buf, read(fd, buf, SSHOBS_RECORD_MAX)));
	}
	close(device);
	close(fd);
	free(buf);
	expect_many(_metadata, (const unsigned int[]){ SSHOBS_LOST, 0 });
}

/* --- answers -------------------------------------------------------------------- */

#define ROOM		65536

/* An argument, and as much again behind it. */
static int ask(int fd, unsigned int cmd, void *arg, size_t size, const char *of)
{
	char *buf = behind(2 * size);
	int ret;

	memcpy(buf, arg, size);
	ret = ioctl(fd, cmd, buf);
	check_behind(of, buf, size, 2 * size);
	memcpy(arg, buf, size);
	free(buf);
	return ret;
}

static void check_task(const char *buf, size_t len)
{
	const struct sshobs_task_info *info = (const void *)buf;
	const size_t size = sizeof(*info);

	check_fields("task", buf, 0, offsetof(struct sshobs_task_info, state));
	check_zero("task", buf, offsetof(struct sshobs_task_info, pad), sizeof(info->pad));
	check_string("task", buf, offsetof(struct sshobs_task_info, comm), SSHOBS_COMM_LEN);
	check_string("task", buf, offsetof(struct sshobs_task_info, tty), SSHOBS_TTY_LEN);
	check_fields("task", buf, offsetof(struct sshobs_task_info, limits), size);
	check_text("task", buf, size, info->exe_len);
	check_zero("task", buf, size + info->exe_len, len - size - info->exe_len);
}

static size_t check_part(const char *from, size_t at, size_t len, bool text)
{
	const size_t end = (len + 7) & ~7UL;

	if (text)
		check_text("fd", from, at, len);
	else
		check_fields("fd", from, at, at + len);
	check_zero("fd", from, at + len, end - len);
	return at + end;
}

static void check_fds(const char *buf, size_t len)
{
	const struct sshobs_fd *fd;
	struct sshobs_fd copy;
	size_t at = 0, part;

	for (; at < len; at += fd->len) {
		fd = (const void *)(buf + at);
		copy = *fd;
		/* It looks like an upper half. */
		if (copy.pts == SSHOBS_NO_PTS)
			copy.pts = 0;
		check_fields("fd", &copy, 0, sizeof(copy));
		part = check_part(buf, at + sizeof(*fd), fd->path_len, true);
		part = check_part(buf, part, fd->local_name_len, true);
		part = check_part(buf, part, fd->peer_name_len, true);
		check_part(buf, part, fd->tcp_info_len, false);
	}
}

static void check_letters(const char *buf, size_t len)
{
	check_text("arguments or environment", buf, 0, len);
}

struct kind {
	unsigned int	what;
	void		(*check)(const char *buf, size_t len);
};

static bool check_snapshot(int fd, pid_t pid, const struct kind *kind)
{
	struct {
		struct sshobs_snapshot	known;
		__u64			more[8];
	} arg = { .known = { .pid = pid, .what = kind->what, .buf_len = ROOM } };
	const unsigned int longer = _IOC(_IOC_READ | _IOC_WRITE, SSHOBS_IOC_MAGIC, 0x44, sizeof(arg));
	char *buf = behind(ROOM + 64);
	int ret;

	arg.known.buf = (uintptr_t)buf;
	ret = ask(fd, longer, &arg, sizeof(arg), "snapshot");
	check_fields("snapshot", &arg, 0, sizeof(arg.known));
	check_zero("snapshot", (char *)&arg, sizeof(arg.known), sizeof(arg.more));
	if (!ret) {
		check_behind("buffer of a snapshot", buf, arg.known.len, ROOM + 64);
		kind->check(buf, arg.known.len);
	}
	free(buf);
	return !ret;
}

static bool check_probes(int fd)
{
	struct sshobs_probe probe;
	unsigned int i;

	for (i = 0;; i++) {
		probe = (struct sshobs_probe){ .index = i };
		if (ask(fd, SSHOBS_IOC_PROBE, &probe, sizeof(probe), "probe"))
			return i && errno == ENOENT;
		check_fields("probe", &probe, 0, offsetof(struct sshobs_probe, kind));
		check_string("probe", probe.kind, 0, sizeof(probe.kind));
		check_string("probe", probe.symbol, 0, sizeof(probe.symbol));
	}
}

static void wait_with_all_kinds(int sock)
{
	char *const argv[] = { "/bin/cat", "-", NULL }, *const environ[] = { "VARIABLE=value", NULL };
	int fds[2];

	open_master();
	listen_on(AF_INET, 0);
	listen_on(AF_INET6, 0);
	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fds) || pipe(fds))
		_exit(126);
	dup2(sock, STDIN_FILENO);
	execve(argv[0], argv, environ);
}

TEST_F_TIMEOUT(leaks, answers_have_no_byte_but_their_own, 3000)
{
	static const struct kind kinds[] = {
		{ SSHOBS_SNAPSHOT_TASK, check_task },
		{ SSHOBS_SNAPSHOT_FDS, check_fds },
		{ SSHOBS_SNAPSHOT_ARGV, check_letters },
		{ SSHOBS_SNAPSHOT_ENVIRON, check_letters },
		{ SSHOBS_SNAPSHOT_EXEC_ENVIRON, check_letters },
	};
	const size_t kinds_count = sizeof(kinds) / sizeof(*kinds);
	struct sshobs_stats stats;
	struct sshobs_info info;
	struct log log;
	int release, client;
	unsigned long i, k;
	uint16_t port;
	uint64_t session;
	pid_t server;

	ASSERT_TRUE(log_open(&log));
	part = wait_with_all_kinds;
	release = scene_start(AF_INET, serve_part, &server);
	client = connect_to(AF_INET, PORT, &port);
	ASSERT_LE(0, client);
	session = log_wait_session(&log, port);
	ASSERT_NE(NULL, log_wait(&log, IN(SSHOBS_EXEC, session)));
	for (i = 0; i < many; i++) {
		memset(&info, BEHIND, sizeof(info));
		memset(&stats, BEHIND, sizeof(stats));
		ASSERT_EQ(0, ask(log.fd, SSHOBS_IOC_INFO, &info, sizeof(info), "info"));
		ASSERT_EQ(0, ask(log.fd, SSHOBS_IOC_STATS, &stats, sizeof(stats), "stats"));
		check_fields("info", &info, 0, sizeof(info));
		check_fields("stats", &stats, 0, sizeof(stats));
		for (k = 0; k < kinds_count; k++) {
			ASSERT_TRUE(check_snapshot(log.fd, scene->member[0].pid, &kinds[k]));
		}
		ASSERT_TRUE(check_probes(log.fd));
	}
	printf("# %lu answers of each of INFO, STATS, PROBE (of all probes) and 5 kinds of SNAPSHOT\n", many);
	log_close(&log);
	close(client);
	close(release);
	wait_for(server);
	expect_many(_metadata, (const unsigned int[]){ 0 });
}

SELFTEST_MAIN({ "prompt", play_prompt },)
