// SPDX-License-Identifier: GPL-2.0
/* What a member does, and which record tells it: one test for each kind of event. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "member.h"

/* --- clone_fail --- */

static void on_alarm(int signal)
{
	(void)signal;
	scene->number++;
}

/* Under a timer that goes off in the middle of many of them. */
static void fork_under_fire(int sock)
{
	const struct itimerval often = { { 0, 150 }, { 0, 150 } }, never = {};
	const struct sigaction action = { .sa_handler = on_alarm, .sa_flags = SA_RESTART };
	int i;

	(void)sock;
	/* Its copy takes a while. */
	memset(malloc(16 << 20), 1, 16 << 20);
	sigaction(SIGALRM, &action, NULL);
	for (i = 0; i < 100; i++) {
		pid_t pid;

		setitimer(ITIMER_REAL, &often, NULL);
		pid = born(0);
		if (!pid)
			leave(4);
		setitimer(ITIMER_REAL, &never, NULL);
		if (pid < 0)
			_exit(126);
		while (waitpid(pid, NULL, 0) < 0)
			;
	}
}

TEST_F(member, a_fork_that_a_signal_restarts_is_no_failure)
{
	play(_metadata, self, fork_under_fire);
	EXPECT_LT(10, scene->number);
	EXPECT_EQ(101U, scene->members);
	EXPECT_EQ(0U, count_of(self, SSHOBS_CLONE_FAIL));
}

static void fork_badly(int sock)
{
	(void)sock;
	/* The two exclude each other. */
	scene->number = raw_clone(CLONE_NEWNS | CLONE_FS) < 0 ? errno : 0;
}

TEST_F(member, a_fork_with_bad_flags_is_told_with_its_error)
{
	const struct sshobs_clone_fail *rec;
	struct rlimit limit;

	getrlimit(RLIMIT_NPROC, &limit);
	play(_metadata, self, fork_badly);
	EXPECT_EQ(EINVAL, scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_CLONE_FAIL));
	rec = nth(self, SSHOBS_CLONE_FAIL, 0);
	EXPECT_EQ(EINVAL, (int)rec->error);
	EXPECT_EQ(limit.rlim_cur == RLIM_INFINITY ? SSHOBS_UNLIMITED : limit.rlim_cur,
		  rec->nproc_soft);
	EXPECT_EQ(SSHOBS_FORK_UNKNOWN, rec->limit);
}

/* --- exec_fail --- */

TEST_F(member, a_failed_exec_is_told_with_path_and_error)
{
	ASSERT_TRUE(make_failing());
	play(_metadata, self, exec_in_vain);
	expect_failing(_metadata, self);
}

static void exec_along_the_path(int sock)
{
	(void)sock;
	setenv("PATH", "/no/a:/no/b:/no/c", 1);
	execlp("some-program", "some-program", NULL);
}

TEST_F(member, each_miss_along_PATH_is_told)
{
	play(_metadata, self, exec_along_the_path);
	EXPECT_EQ(3U, count_of(self, SSHOBS_EXEC_FAIL));
	expect_failed_exec(_metadata, self, 0, "/no/a/some-program", ENOENT);
	expect_failed_exec(_metadata, self, 1, "/no/b/some-program", ENOENT);
	expect_failed_exec(_metadata, self, 2, "/no/c/some-program", ENOENT);
}

/* env(1) tries each folder of PATH with execve(); shells ask stat() before. */
static const char *const sought_script =
	"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin;"
	"/usr/bin/env true; /usr/bin/env no-such-program; /usr/bin/env cat </dev/null;"
	NO_PERMISSION "; " NO_INTERPRETER "; exit 0";

#define TRACE		"/tmp/selftest-strace"

static void exec_under_strace(int sock)
{
	(void)sock;
	if (!born(0)) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO);
		become("/usr/bin/strace", "-f", "-qq", "-o", TRACE, "-e",
		       "trace=execve,execveat", "/bin/sh", "-c", sought_script, NULL);
	}
	wait(NULL);
}

TEST_F(member, failed_execs_are_those_that_strace_sees)
{
	char *trace, *line, *next, path[256];
	size_t failed = 0, done = 0;

	if (access("/usr/bin/strace", X_OK))
		SKIP(return, "there is no strace");
	ASSERT_TRUE(make_failing());
	unlink(TRACE);
	/* Not play(): the processes under strace do not enlist. */
	part = exec_under_strace;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	close(self->client);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));

	trace = read_file(TRACE);
	ASSERT_NE(NULL, trace);
	/* PID execve("PATH", [ARGS], ...) = -1 ENOENT (No such file or directory) */
	for (line = trace; *line; line = next) {
		pid_t pid;
		bool miss = true;

		next = strchrnul(line, '\n');
		if (*next)
			*next++ = '\0';
		if (sscanf(line, "%d execve(\"%255[^\"]", &pid, path) != 2)
			continue;
		if (strstr(line, "= 0")) {
			done++;
			continue;
		}
		miss = strstr(line, "-1 ENOENT");
		expect_failed_exec(_metadata, self, failed++, path, miss ? ENOENT : EACCES);
		EXPECT_EQ((__u32)pid, ((const struct sshobs_hdr *)
			((const char *)nth(self, SSHOBS_EXEC_FAIL, failed - 1) -
			 sizeof(struct sshobs_hdr)))->pid);
	}
	EXPECT_LT(8U, failed) TH_LOG("%s", trace);
	EXPECT_EQ(failed, count_of(self, SSHOBS_EXEC_FAIL));
	/* All programs, and strace itself. */
	EXPECT_EQ(done + 1, count_of(self, SSHOBS_EXEC));
	free(trace);
}

static void exec_too_much(int sock)
{
	const size_t len = 256 * 1024;
	char *arg = malloc(len + 1);

	(void)sock;
	memset(arg, 'x', len);
	arg[len] = '\0';
	execl("/bin/true", "true", arg, NULL);
	scene->number = errno;
}

/* That is where the contract ends: no probe sees it, and nothing else must come of it. */
TEST_F(member, an_exec_with_too_long_arguments_is_not_told)
{
	play(_metadata, self, exec_too_much);
	EXPECT_EQ(E2BIG, scene->number);
	EXPECT_EQ(0U, count_of(self, SSHOBS_EXEC_FAIL));
}

/* What the kernel does not even take from the caller. */
static void exec_without_a_path(int sock)
{
	static char path[PATH_MAX + 1000];
	char *const argv[] = { "nothing", NULL };

	(void)sock;
	memset(path, 'p', sizeof(path) - 1);
	if (execv("", argv) != -1 || errno != ENOENT)
		_exit(124);
	if (syscall(SYS_execve, NULL, argv, NULL) != -1 || errno != EFAULT)
		_exit(125);
	if (execv(path, argv) != -1 || errno != ENAMETOOLONG)
		_exit(126);
}

TEST_F(member, an_exec_of_which_no_path_can_be_taken_is_not_told)
{
	play(_metadata, self, exec_without_a_path);
	EXPECT_EQ(0U, count_of(self, SSHOBS_EXEC_FAIL));
}

/* --- exec --- */

static void exec_with_arguments(int sock)
{
	(void)sock;
	if (!born(0)) {
		me->code = 9;
		become("/bin/sh", "-c", "exit 9", "", "two words", NULL);
	}
	wait(NULL);
}

TEST_F(member, an_exec_has_path_arguments_and_user)
{
	static const char argv[] = "/bin/sh\0-c\0exit 9\0\0two words";
	const struct sshobs_exec *rec;

	play(_metadata, self, exec_with_arguments);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ(0U, rec->uid);
	EXPECT_EQ(0U, rec->flags);
	EXPECT_STREQ("", rec->tty);
	ASSERT_EQ(strlen("/bin/sh"), rec->path_len);
	EXPECT_EQ(rec->path_len, rec->path_total);
	EXPECT_EQ(0, memcmp(rec->data, "/bin/sh", rec->path_len));
	ASSERT_EQ(sizeof(argv), rec->argv_len);
	EXPECT_EQ(rec->argv_len, rec->argv_total);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, argv, sizeof(argv)));
}

/* So long, with what the kernel puts before it, that a record does not hold it. */
static void exec_at_long_path(int dir, const char *name)
{
	char *const argv[] = { "program", NULL };
	char path[PATH_MAX];
	const size_t room = sizeof(path) - 1 - strlen(name);
	size_t i;

	for (i = 0; i < room; i++)
		path[i] = i % 2 ? '/' : '.';
	/* "//" is as good as "/". */
	path[room - 1] = '/';
	strcpy(path + room, name);
	syscall(SYS_execveat, dir, path, argv, NULL, 0);
}

static void exec_by_long_paths(int sock)
{
	int dir = open("/bin", O_PATH | O_DIRECTORY);

	(void)sock;
	scene->number = dir;
	exec_at_long_path(dir, "no-such-program");
	if (errno != ENOENT)
		_exit(126);
	if (!born(0)) {
		me->execs = 1;
		exec_at_long_path(dir, "true");
		_exit(126);
	}
	wait(NULL);
}

TEST_F(member, an_exec_with_a_path_that_no_record_holds_has_its_length)
{
	const struct sshobs_exec_fail *fail;
	const struct sshobs_exec *rec;
	char begin[32];
	size_t len;

	play(_metadata, self, exec_by_long_paths);
	len = snprintf(begin, sizeof(begin), "/dev/fd/%d/./", scene->number);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC_FAIL));
	fail = nth(self, SSHOBS_EXEC_FAIL, 0);
	EXPECT_EQ((__u32)SSHOBS_PATH_MAX, fail->path_len);
	EXPECT_EQ(len - 2 + PATH_MAX - 1, fail->path_total);
	EXPECT_EQ(0, memcmp(begin, fail->data, len));
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ((__u32)SSHOBS_PATH_MAX, rec->path_len);
	EXPECT_EQ(fail->path_total, rec->path_total);
	EXPECT_EQ(0, memcmp(begin, rec->data, len));
	EXPECT_EQ(sizeof("program"), rec->argv_len);
}

#define EXEC_ROUNDS	50

static void exec_true(void)
{
	execl("/bin/true", "true", NULL);
}

/* One of two threads waits for the exec of the other, which kills it. */
static void exec_in_threads(int sock)
{
	int i;

	(void)sock;
	for (i = 0; i < EXEC_ROUNDS; i++) {
		if (!born(0)) {
			at_once(exec_true);
			_exit(126);
		}
		wait(NULL);
	}
}

TEST_F(member, an_exec_that_another_threads_exec_ends_has_not_failed)
{
	const struct sshobs_exec_fail *rec;

	let(_metadata, self, exec_in_threads);
	EXPECT_EQ((size_t)EXEC_ROUNDS, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC_FAIL, 0);
	EXPECT_EQ(NULL, rec) TH_LOG("error %u", rec->error);
}

static void exec_script(int sock)
{
	(void)sock;
	if (!born(0)) {
		me->code = 6;
		become("/tmp/selftest-script", "argument", NULL);
	}
	wait(NULL);
}

TEST_F(member, an_exec_of_a_script_is_one_exec_with_its_path)
{
	static const char argv[] = "/bin/sh\0-e\0/tmp/selftest-script\0argument";
	static const char script[] = "#!/bin/sh -e\nexit 6\n";
	const struct sshobs_exec *rec;

	ASSERT_TRUE(write_file("/tmp/selftest-script", script, strlen(script)));
	ASSERT_EQ(0, chmod("/tmp/selftest-script", 0755));
	play(_metadata, self, exec_script);
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ(strlen("/tmp/selftest-script"), rec->path_len);
	EXPECT_EQ(0, memcmp(rec->data, "/tmp/selftest-script", rec->path_len));
	ASSERT_EQ(sizeof(argv), rec->argv_len);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, argv, sizeof(argv)));
}

/* --- cred --- */

#define SETUID_TRUE	"/tmp/selftest-setuid-true"

static bool set_effective_caps(__u32 low)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data))
		return false;
	data[0].effective = low;
	data[1].effective = 0;
	return !syscall(SYS_capset, &header, data);
}

static void change_credentials(int sock)
{
	(void)sock;
	/* No changes, and no records. */
	if (setuid(0) || setgid(0) || setresuid(-1, -1, -1) || setresuid(0, 0, 0) ||
	    setresgid(0, 0, 0))
		_exit(126);
	if (!set_effective_caps(1U << CAP_SETUID | 1U << CAP_SETGID))
		_exit(126);
	if (setresgid(NOBODY, NOBODY, NOBODY) || setresuid(-1, NOBODY, -1) ||
	    setresuid(-1, 0, -1) || setresuid(NOBODY, NOBODY, NOBODY))
		_exit(126);
	/* Again, and no record. */
	if (setresuid(NOBODY, NOBODY, NOBODY) || setuid(NOBODY) || setgid(NOBODY))
		_exit(126);
	if (!born(0))
		become(SETUID_TRUE, NULL);
	wait(NULL);
}

static void expect_ids(struct __test_metadata *_metadata, const struct sshobs_ids *ids,
		       __u32 uid, __u32 euid, __u32 suid, __u32 gid)
{
	EXPECT_EQ(uid, ids->uid);
	EXPECT_EQ(euid, ids->euid);
	EXPECT_EQ(suid, ids->suid);
	EXPECT_EQ(gid, ids->gid);
}

TEST_F(member, credentials_are_told_when_they_change_and_only_then)
{
	const struct sshobs_cred *rec[6];
	int i;

	ASSERT_EQ(0, run_shell("cp /bin/true " SETUID_TRUE " && chmod 4755 " SETUID_TRUE));
	play(_metadata, self, change_credentials);
	ASSERT_EQ(6U, count_of(self, SSHOBS_CRED));
	for (i = 0; i < 6; i++) {
		rec[i] = nth(self, SSHOBS_CRED, i);
		/* Each begins where the one before ended. */
		if (i) {
			EXPECT_EQ(0, memcmp(&rec[i - 1]->after, &rec[i]->before,
					    sizeof(rec[i]->before)));
		}
	}
	expect_ids(_metadata, &rec[0]->before, 0, 0, 0, 0);
	expect_ids(_metadata, &rec[0]->after, 0, 0, 0, 0);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[0]->before.cap_eff);
	EXPECT_EQ(1ULL << CAP_SETUID | 1ULL << CAP_SETGID, rec[0]->after.cap_eff);
	expect_ids(_metadata, &rec[1]->after, 0, 0, 0, NOBODY);
	expect_ids(_metadata, &rec[2]->after, 0, NOBODY, 0, NOBODY);
	EXPECT_EQ(0ULL, rec[2]->after.cap_eff);
	expect_ids(_metadata, &rec[3]->after, 0, 0, 0, NOBODY);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[3]->after.cap_eff);
	expect_ids(_metadata, &rec[4]->after, NOBODY, NOBODY, NOBODY, NOBODY);
	EXPECT_EQ(0ULL, rec[4]->after.cap_eff);
	/* A set-user-id program. */
	expect_ids(_metadata, &rec[5]->after, NOBODY, 0, 0, NOBODY);
	EXPECT_LT(1ULL << CAP_SYS_ADMIN, rec[5]->after.cap_eff);
}

/* --- pty and prompt --- */

static void open_two_ptys(int sock)
{
	int first = open_master(), second = open_master();

	(void)sock;
	scene->number = pts_of(first) << 8 | pts_of(second);
}

TEST_F(member, each_pseudo_terminal_is_told_with_its_index)
{
	const struct sshobs_pty *rec;

	play(_metadata, self, open_two_ptys);
	ASSERT_EQ(2U, count_of(self, SSHOBS_PTY));
	rec = nth(self, SSHOBS_PTY, 0);
	EXPECT_EQ((__u32)scene->number >> 8, rec->pts);
	rec = nth(self, SSHOBS_PTY, 1);
	EXPECT_EQ(scene->number & 255, (int)rec->pts);
	EXPECT_EQ(0U, count_of(self, SSHOBS_PROMPT));
}

/* A shell of a kind: it asks twice, execs itself, asks twice, and ends with 11. */
static int play_shell(int argc, char **argv)
{
	struct pollfd poll_fd = { .fd = STDIN_FILENO, .events = POLLIN };
	char line[16];
	int i;

	(void)argv;
	for (i = 0; i < 2; i++) {
		poll(&poll_fd, 1, SECONDS * 1000);
		if (read(STDIN_FILENO, line, sizeof(line)) <= 0)
			return 126;
	}
	if (argc > 2)
		execl(self_path(), self_path(), "role:shell", NULL);
	return 11;
}

static void run_shell_on_a_pty(int sock)
{
	struct pollfd poll_fd = { .events = POLLIN };
	int master = open_master(), slave;
	char echo[64];

	(void)sock;
	scene->number = pts_of(master);
	if (!born(0)) {
		me->code = 11;
		me->execs = 1;
		setsid();
		slave = open(ptsname(master), O_RDWR);
		/* Before its exec it is no shell: this must not count. */
		poll_fd.fd = slave;
		poll(&poll_fd, 1, 0);
		dup2(slave, STDIN_FILENO);
		become(self_path(), "role:shell", "twice", NULL);
	}
	/* The terminal keeps them until they are read, one line at a time. */
	if (write(master, "1\n2\n3\n4\n", 8) != 8)
		_exit(126);
	/* The master's side is no prompt, either. */
	poll_fd.fd = master;
	poll(&poll_fd, 1, SECONDS * 1000);
	if (read(master, echo, sizeof(echo)) <= 0)
		_exit(126);
	wait(NULL);
}

TEST_F(member, a_prompt_is_told_once_after_each_exec)
{
	const struct sshobs_exec *exec;
	const struct sshobs_pty *rec;
	char tty[32];
	ssize_t at[4];
	pid_t shell;
	int i;

	play(_metadata, self, run_shell_on_a_pty);
	shell = scene->member[1].pid;
	ASSERT_EQ(2U, count_of(self, SSHOBS_PROMPT));
	for (i = 0; i < 2; i++) {
		rec = nth(self, SSHOBS_PROMPT, i);
		EXPECT_EQ((__u32)scene->number, rec->pts);
	}
	at[0] = log_index(&self->log, OF(SSHOBS_EXEC, self->session, shell), 0);
	at[1] = log_index(&self->log, OF(SSHOBS_PROMPT, self->session, shell), 0);
	at[2] = log_index(&self->log, OF(SSHOBS_EXEC, self->session, shell), at[0] + 1);
	at[3] = log_index(&self->log, OF(SSHOBS_PROMPT, self->session, shell), at[1] + 1);
	for (i = 1; i < 4; i++) {
		EXPECT_LT(at[i - 1], at[i]);
	}
	/* Its terminal is its controlling one. */
	snprintf(tty, sizeof(tty), "pts/%d", scene->number);
	exec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_STREQ(tty, exec->tty);
}

/* --- mark --- */

static void mark_by_member(int sock)
{
	(void)sock;
	if (mark("from inside", 11) != 11)
		_exit(126);
}

TEST_F(member, a_mark_of_a_member_is_of_its_session)
{
	const struct sshobs_mark *rec;

	play(_metadata, self, mark_by_member);
	ASSERT_EQ(1U, count_of(self, SSHOBS_MARK));
	rec = nth(self, SSHOBS_MARK, 0);
	ASSERT_EQ(11U, rec->text_len);
	EXPECT_EQ(0, memcmp(rec->text, "from inside", 11));
}

/* --- exit and close --- */

static void burn_cpu(int sock)
{
	struct timespec used;

	(void)sock;
	if (!born(0)) {
		mmap(NULL, 8 << 20, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
		do
			clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
		while (used.tv_nsec < 100000000 && !used.tv_sec);
		leave(4);
	}
	wait(NULL);
}

TEST_F(member, an_exit_has_the_times_and_the_memory)
{
	const struct sshobs_hdr *hdr;
	const struct sshobs_exit *rec;

	play(_metadata, self, burn_cpu);
	hdr = log_find(&self->log, OF(SSHOBS_EXIT, self->session, scene->member[1].pid));
	rec = body(hdr);
	EXPECT_LE(100000000ULL, rec->utime_ns + rec->stime_ns);
	EXPECT_GT(20000000000ULL, rec->utime_ns + rec->stime_ns);
	EXPECT_LE(8U << 10, rec->maxrss_kb);
	EXPECT_LE(100000000ULL, hdr->cpu_ns);
}

TEST_F(member, a_connection_that_the_peer_resets_is_closed_as_reset)
{
	const struct sshobs_close *rec;

	self->release = scene_start(AF_INET, serve_fork, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ(1, read_byte(self->client));
	reset(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	rec = nth(self, SSHOBS_CLOSE, 0);
	EXPECT_EQ(SSHOBS_CLOSE_RESET, rec->flags);
}

static void echo_bytes(int sock)
{
	char bytes[5000];
	ssize_t n, left = sizeof(bytes);

	while (left && (n = read(sock, bytes, left)) > 0)
		left -= n;
	memset(bytes, 'x', 700);
	if (left || write(sock, bytes, 700) != 700)
		_exit(126);
	until_closed(sock);
}

TEST_F(member, a_close_has_the_bytes_of_both_directions)
{
	const struct sshobs_close *rec;
	char bytes[5000] = {};

	part = echo_bytes;
	self->release = scene_start(AF_INET, serve_part, &self->server);
	self->client = connect_to(AF_INET, PORT, &scene->conn[0].port);
	ASSERT_EQ((ssize_t)sizeof(bytes), write(self->client, bytes, sizeof(bytes)));
	ASSERT_EQ(701, recv(self->client, bytes, 701, MSG_WAITALL));
	close(self->client);
	ASSERT_EQ(0, wait_for(self->server));
	self->session = log_wait_session(&self->log, scene->conn[0].port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	rec = nth(self, SSHOBS_CLOSE, 0);
	EXPECT_EQ(5000ULL, rec->bytes_received);
	/* One segment, and that again where the client was slow to acknowledge it. */
	EXPECT_LE(701ULL, rec->bytes_sent);
	EXPECT_GE(701ULL * (1 + rec->retransmits), rec->bytes_sent);
	EXPECT_LT(0U, rec->srtt_us);
}

SELFTEST_MAIN({ "shell", play_shell },)
