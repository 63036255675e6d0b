// SPDX-License-Identifier: GPL-2.0
/* What a process is, its limits, arguments and environment: as /proc and the process say. */
#include <netinet/in.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "snapshots.h"

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

#define STAT_TTY_NR	7
/* In ticks of a hundredth of a second. */
#define STAT_STARTTIME	22

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
	EXPECT_EQ(stat_number(pid, STAT_STARTTIME), info->start_boot_ns / 10000000);
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
	EXPECT_STREQ("", info->tty);
	/* The two words of its name apart. */
	memset((char *)info->comm, 0, sizeof(info->comm));
	strcpy((char *)info->comm, status_word(pid, "Name", 1));
	expect_task(_metadata, pid, info);
	expect_memory(_metadata, pid, info);
	expect_exe(_metadata, pid, info);
	EXPECT_EQ((__u64)LOCKED / 1024, info->locked_kb);
	stop(pid);
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

/* A terminal that is no pty: every machine of qemu has it. */
#define SERIAL	"ttyS0"

static void take_terminal(const char *path)
{
	int terminal;

	if (setsid() < 0)
		_exit(1);
	terminal = open(path, O_RDWR | O_NONBLOCK);
	/* Also from who has it. */
	if (terminal < 0 || ioctl(terminal, TIOCSCTTY, 1))
		_exit(1);
}

static void take_pty(void)
{
	take_terminal(ptsname(open_master()));
}

static void take_serial_line(void)
{
	take_terminal("/dev/" SERIAL);
}

TEST_F(device, a_terminal_has_the_name_that_people_know)
{
	const struct sshobs_task_info *info = (void *)self->buf;
	pid_t pid = start(take_pty);
	char name[SSHOBS_TTY_LEN];

	ASSERT_LT(0, pid);
	snprintf(name, sizeof(name), "pts/%u", minor(stat_number(pid, STAT_TTY_NR)));
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	EXPECT_STREQ(name, info->tty);
	stop(pid);

	pid = start(take_serial_line);
	ASSERT_LT(0, pid);
	ASSERT_EQ(0, ask(self, pid, SSHOBS_SNAPSHOT_TASK));
	EXPECT_STREQ(SERIAL, info->tty);
	stop(pid);
}

/* --- arguments and environment -------------------------------------------------- */

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

#define LAID_OUT	(64UL << 20)

/* Have arguments and environment be so much memory, as any process may. */
static void lay_out(void)
{
	char *at = mmap(NULL, LAID_OUT, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			-1, 0);

	if (at == MAP_FAILED || prctl(PR_SET_MM, PR_SET_MM_ARG_START, at, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ARG_END, at + LAID_OUT - 1, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ENV_START, at, 0, 0) ||
	    prctl(PR_SET_MM, PR_SET_MM_ENV_END, at + LAID_OUT - 1, 0, 0))
		_exit(126);
}

TEST_F(device, of_arguments_and_environment_that_never_end_8_MiB_are_read)
{
	const unsigned int parts[] = { SSHOBS_SNAPSHOT_ARGV, SSHOBS_SNAPSHOT_ENVIRON };
	pid_t pid = start(lay_out);
	unsigned int i;

	ASSERT_LT(0, pid);
	for (i = 0; i < 2; i++) {
		EXPECT_EQ(EOVERFLOW, ask(self, pid, parts[i]));
		EXPECT_EQ((__u64)SSHOBS_SNAPSHOT_MEMORY_MAX, self->snapshot.len);
		EXPECT_EQ(SSHOBS_SNAPSHOT_CUT, self->snapshot.flags);
	}
	stop(pid);
}

/* --- processes of other kinds ------------------------------------------------------ */

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
	expect_same_as_proc(_metadata, self, 1, SSHOBS_SNAPSHOT_ENVIRON, "environ");

	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_TASK));
	EXPECT_EQ('R', info->state);
	EXPECT_EQ((__u32)getppid(), info->ppid);
	ASSERT_EQ(0, ask(self, getpid(), SSHOBS_SNAPSHOT_FDS));
	EXPECT_NE(NULL, find_fd(self, self->fd));
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
