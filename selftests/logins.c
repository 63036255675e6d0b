// SPDX-License-Identifier: GPL-2.0
/*
 * Real logins: OpenSSH of the suite's age, systemd's way of starting it, dropbear.
 * What the stream tells is compared with what ps and the shell see inside.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <sched.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "checks.h"

#define PORT_SSH	22
#define PORT_INETD	2200
#define PORT_DROPBEAR	2201
#define SSH_PORTS	"ports=22,2200,2201"

#define ALICE		1000
#define CONFIG		"/tmp/selftest-sshd_config"
#define BAD_KEY		"/tmp/selftest-key"

/* --- servers ---------------------------------------------------------------- */

/* One key and the cheapest exchange: the machine is emulated, and they are not the point. */
static const char *const config =
	"Port 22\n"
	"HostKey /etc/ssh/ssh_host_ed25519_key\n"
	"KexAlgorithms curve25519-sha256\n"
	"PidFile none\n"
	"PermitRootLogin yes\n"
	"UsePAM yes\n"
	"UseDNS no\n"
	"MaxStartups 100\n"
	"LoginGraceTime 0\n"
	"Subsystem sftp /usr/lib/openssh/sftp-server\n";

static bool write_config(void)
{
	char text[1024];

	/* Since 9.8 a client that failed has to wait; the tests fail on purpose. */
	snprintf(text, sizeof(text), "%sPerSourcePenalties no\n", config);
	if (!write_file(CONFIG, text, strlen(text)))
		return false;
	if (!run((const char *[]){ "sh", "-c", "/usr/sbin/sshd -t -f " CONFIG " 2>/dev/null",
				   NULL }))
		return true;
	return write_file(CONFIG, config, strlen(config));
}

/* Is there a socket in the state LISTEN? */
static bool listens_in(const char *table, unsigned int port)
{
	char *text = read_file(table), *line;
	bool found = false;

	for (line = text; line && !found; line = strchr(line, '\n')) {
		unsigned int local, state;

		line++;
		found = sscanf(line, "%*d: %*[0-9A-F]:%x %*[0-9A-F]:%*x %x", &local, &state) == 2 &&
			local == port && state == 10;
	}
	free(text);
	return found;
}

static bool wait_listening(unsigned int port)
{
	uint64_t start = now_ms();

	while (!listens_in("/proc/net/tcp", port) && !listens_in("/proc/net/tcp6", port)) {
		if (now_ms() - start > SECONDS * 1000)
			return false;
		usleep(5000);
	}
	return true;
}

/* Start a server in the foreground. Return its pid. */
static pid_t start_server(unsigned int port, const char *const argv[])
{
	pid_t pid = fork();

	if (!pid) {
		int null = open("/dev/null", O_RDWR);

		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		dup2(null, STDERR_FILENO);
		signal(SIGPIPE, SIG_DFL);
		execv(argv[0], (char **)argv);
		_exit(127);
	}
	return wait_listening(port) ? pid : -1;
}

static pid_t start_sshd(void)
{
	static const char *const argv[] = {
		"/usr/sbin/sshd", "-D", "-f", CONFIG, NULL
	};

	return start_server(PORT_SSH, argv);
}

static pid_t start_inetd(void)
{
	static const char *const argv[] = {
		"/usr/bin/systemd-socket-activate", "--accept", "--inetd", "-l", "2200",
		"/usr/sbin/sshd", "-i", "-f", CONFIG, NULL
	};

	return start_server(PORT_INETD, argv);
}

static pid_t start_dropbear(void)
{
	static const char *const argv[] = {
		"/usr/sbin/dropbear", "-R", "-F", "-E", "-p", "2201", NULL
	};

	return start_server(PORT_DROPBEAR, argv);
}

/* --- clients ---------------------------------------------------------------- */

/**
 * struct client - a login as its user sees it
 * @pid: the ssh program
 * @fd: its terminal, or both ends of its standard streams
 * @in: where to write; @fd for a terminal
 * @text: what it has printed, with a NUL behind
 * @len: bytes of it
 */
struct client {
	pid_t	pid;
	int	fd;
	int	in;
	char	text[65536];
	size_t	len;
};

#define SSH_ARGS_MAX	24

/* Start ssh with arguments; with a terminal of its own, or on two pipes. */
static bool client_start(struct client *client, bool terminal, ...)
{
	const char *argv[SSH_ARGS_MAX] = {};
	int to[2] = { -1, -1 }, from[2] = { -1, -1 }, i = 0;
	va_list args;

	va_start(args, terminal);
	while (i < SSH_ARGS_MAX - 1 && (argv[i] = va_arg(args, const char *)))
		i++;
	va_end(args);
	client->len = 0;
	client->text[0] = '\0';
	if (!terminal && (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC)))
		return false;

	client->pid = terminal ? forkpty(&client->fd, NULL, NULL, NULL) : fork();
	if (!client->pid) {
		if (!terminal) {
			dup2(to[0], STDIN_FILENO);
			dup2(from[1], STDOUT_FILENO);
		}
		signal(SIGPIPE, SIG_DFL);
		execvp(argv[0], (char **)argv);
		_exit(127);
	}
	if (terminal) {
		client->in = client->fd;
		fcntl(client->fd, F_SETFD, FD_CLOEXEC);
	} else {
		close(to[0]);
		close(from[1]);
		client->in = to[1];
		client->fd = from[0];
	}
	return client->pid > 0;
}

/* Read on. Return false at the end, or when time is up. */
static bool client_more(struct client *client)
{
	struct pollfd poll_fd = { .fd = client->fd, .events = POLLIN };
	ssize_t n;

	if (poll(&poll_fd, 1, SECONDS * 1000) != 1)
		return false;
	n = read(client->fd, client->text + client->len,
		 sizeof(client->text) - 1 - client->len);
	if (n <= 0)
		return false;
	client->len += n;
	client->text[client->len] = '\0';
	return true;
}

/* Read on until it has printed something. Return what follows it, or NULL. */
static const char *client_wait(struct client *client, const char *what)
{
	const char *at;

	while (!(at = strstr(client->text, what)))
		if (!client_more(client))
			return NULL;
	return at + strlen(what);
}

static bool client_type(struct client *client, const char *line)
{
	return write(client->in, line, strlen(line)) == (ssize_t)strlen(line);
}

/* To the end. Return its exit status, or -1. */
static int client_end(struct client *client)
{
	int status;

	if (client->in != client->fd)
		close(client->in);
	while (client_more(client))
		;
	close(client->fd);
	status = wait_for(client->pid);
	return status >= 0 && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* --- what holds for every login ---------------------------------------------- */

FIXTURE(login) {
	struct log	log;
	pid_t		server;
	uint64_t	session;
	struct client	client;
};

FIXTURE_SETUP(login)
{
	clean_start();
	ASSERT_TRUE(write_config());
	ASSERT_EQ(0, module_want(SSH_PORTS));
	ASSERT_TRUE(log_open(&self->log));
}

FIXTURE_TEARDOWN(login)
{
	EXPECT_TRUE(log_is_text_of_device(&self->log));
	if (!_metadata->passed) {
		log_print(&self->log, self->session);
		TH_LOG("the client has printed: %s", self->client.text);
	}
	log_close(&self->log);
	clean_start();
}

static const struct sshobs_clone *clone_of(const struct log *log, uint64_t session, pid_t child,
					   pid_t *parent)
{
	ssize_t i = -1;

	while ((i = log_index(log, IN(SSHOBS_CLONE, session), i + 1)) >= 0) {
		const struct sshobs_clone *rec = body(log->recs[i]);

		if (rec->child != (__u32)child || rec->flags & CLONE_THREAD)
			continue;
		if (parent)
			*parent = log->recs[i]->pid;
		return rec;
	}
	return NULL;
}

/* Each child is told of once, by a parent that belongs, and ends once. */
static void expect_children(struct __test_metadata *_metadata, const struct log *log,
			    uint64_t session, pid_t server, unsigned int *processes)
{
	ssize_t i = -1, k;

	while ((i = log_index(log, IN(SSHOBS_CLONE, session), i + 1)) >= 0) {
		const struct sshobs_hdr *hdr = log->recs[i];
		const struct sshobs_clone *rec = body(hdr);
		pid_t child = rec->child;

		if (rec->flags & CLONE_THREAD)
			continue;
		(*processes)++;
		EXPECT_EQ(rec, clone_of(log, session, child, NULL)) TH_LOG("two of %d", child);
		EXPECT_TRUE(hdr->pid == (__u32)server || clone_of(log, session, hdr->pid, NULL))
			TH_LOG("parent %u of %d", hdr->pid, child);
		EXPECT_EQ(1U, log_count(log, OF(SSHOBS_EXIT, session, child)))
			TH_LOG("exits of %d", child);
		k = log_index(log, WANT(.session = session, .pid = child), 0);
		EXPECT_LT(i, k) TH_LOG("%d before its clone", child);
	}
}

/* What a session tells, from accept to end, agrees with itself. */
static void expect_whole_session(struct __test_metadata *_metadata, const struct log *log,
				 uint64_t session, pid_t server)
{
	const struct sshobs_hdr *first = log_find(log, WANT(.session = session)), *last;
	unsigned int processes = 0;
	const struct sshobs_end *end;
	ssize_t i = -1;

	ASSERT_NE(NULL, first);
	EXPECT_EQ(SSHOBS_ESTABLISHED, first->type);
	EXPECT_EQ((__u32)server, first->pid);
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_ESTABLISHED, session)));
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_ACCEPT, session)));
	EXPECT_EQ(1U, log_count(log, IN(SSHOBS_CLOSE, session)));
	ASSERT_EQ(1U, log_count(log, IN(SSHOBS_END, session)));
	last = log_find(log, IN(SSHOBS_END, session));
	EXPECT_EQ(last->session_seq, log_count(log, WANT(.session = session)));
	expect_session_gapless(_metadata, log, session);
	expect_children(_metadata, log, session, server, &processes);
	while ((i = log_index(log, WANT(.session = session), i + 1)) >= 0) {
		EXPECT_TRUE(log->recs[i]->pid == (__u32)server ||
			    (!log->recs[i]->pid && log->recs[i]->type == SSHOBS_WIRE) ||
			    clone_of(log, session, log->recs[i]->pid, NULL))
			TH_LOG("%s of %u, a stranger", sshobs_type_name(log->recs[i]->type),
			       log->recs[i]->pid);
	}
	end = body(last);
	EXPECT_EQ(processes, end->processes);
	EXPECT_EQ(log_count(log, IN(SSHOBS_EXEC, session)), end->execs);
	EXPECT_EQ(0U, end->incomplete);
	EXPECT_EQ(0U, end->flags);
}

/* The exec of a program in a session, by the end of its path; NULL: none. */
static const struct sshobs_hdr *find_exec(const struct log *log, uint64_t session,
					  const char *name)
{
	ssize_t i = -1;

	while ((i = log_index(log, IN(SSHOBS_EXEC, session), i + 1)) >= 0) {
		const struct sshobs_exec *rec = body(log->recs[i]);

		if (rec->path_len >= strlen(name) &&
		    !memcmp(rec->data + rec->path_len - strlen(name), name, strlen(name)))
			return log->recs[i];
	}
	return NULL;
}

/* The client's port, as SSH_CONNECTION gives it: ADDRESS PORT ADDRESS PORT. */
static unsigned int port_in(const char *ssh_connection)
{
	unsigned int port = 0;

	sscanf(ssh_connection, "%*s %u", &port);
	return port;
}

static bool ended(FIXTURE_DATA(login) *self)
{
	return log_wait(&self->log, IN(SSHOBS_END, self->session)) && log_sync(&self->log);
}

/* --- an interactive login ----------------------------------------------------- */

#define PIDS_MAX	1024

struct ps {
	pid_t	pid[PIDS_MAX];
	pid_t	parent[PIDS_MAX];
	size_t	count;
};

/* Lines of "PID PPID" up to a line that begins otherwise. */
static void parse_ps(struct ps *ps, const char *text)
{
	int used;

	while (ps->count < PIDS_MAX &&
	       sscanf(text, "%d %d%n", &ps->pid[ps->count], &ps->parent[ps->count], &used) == 2) {
		text += used;
		ps->count++;
	}
}

static pid_t ps_parent(const struct ps *ps, pid_t pid)
{
	size_t i;

	for (i = 0; i < ps->count; i++)
		if (ps->pid[i] == pid)
			return ps->parent[i];
	return 0;
}

/* The chain of processes from below the server down to one is the same in both. */
static void expect_chain(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self,
			 const struct ps *ps, pid_t shell)
{
	unsigned int length = 0;
	pid_t pid, parent;

	for (pid = shell; pid != self->server; pid = parent, length++) {
		ASSERT_NE(0, pid) TH_LOG("ps sees no way up to the server");
		ASSERT_NE(NULL, clone_of(&self->log, self->session, pid, &parent))
			TH_LOG("%d is not told of", pid);
		ASSERT_EQ(ps_parent(ps, pid), parent) TH_LOG("the parent of %d", pid);
	}
	/* At least the process that serves the connection, and the shell. */
	EXPECT_LE(2U, length);
}

static bool descends(const struct ps *ps, pid_t pid, pid_t ancestor)
{
	while (pid && pid != ancestor)
		pid = ps_parent(ps, pid);
	return pid == ancestor;
}

/* Whoever ps sees under the server is a member, and the other way round. */
static void expect_same_processes(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self,
				  const struct ps *ps)
{
	const struct sshobs_hdr *listing = find_exec(&self->log, self->session, "/ps");
	size_t members = 0, i;
	ssize_t at = -1;

	ASSERT_NE(NULL, listing);
	for (i = 0; i < ps->count; i++) {
		if (ps->pid[i] == self->server || !descends(ps, ps->pid[i], self->server))
			continue;
		members++;
		EXPECT_NE(NULL, clone_of(&self->log, self->session, ps->pid[i], NULL))
			TH_LOG("ps sees %d", ps->pid[i]);
	}
	/* Born before ps, and not gone before it. */
	while ((at = log_index(&self->log, IN(SSHOBS_CLONE, self->session), at + 1)) >= 0) {
		const struct sshobs_clone *rec = body(self->log.recs[at]);
		const struct sshobs_hdr *gone;

		if (rec->flags & CLONE_THREAD || self->log.recs[at]->seq > listing->seq)
			continue;
		gone = log_find(&self->log, OF(SSHOBS_EXIT, self->session, rec->child));
		if (gone && gone->seq < listing->seq)
			continue;
		members--;
		EXPECT_TRUE(descends(ps, rec->child, self->server))
			TH_LOG("ps does not see %u", rec->child);
	}
	EXPECT_EQ(0U, members);
}

/* Log alice in on a terminal, up to the prompt. */
static void log_in(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self)
{
	const struct sshobs_hdr *accepted;

	ASSERT_TRUE(client_start(&self->client, true, "ssh", "alice@127.0.0.1", NULL));
	accepted = log_wait(&self->log, WANT(.type = SSHOBS_ACCEPT));
	ASSERT_NE(NULL, accepted);
	self->session = accepted->session;
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_PROMPT, self->session)));
}

/* Have the shell say its pid and what ps sees. Return the pid. */
static pid_t ask_ps(struct __test_metadata *_metadata, struct client *client, struct ps *ps)
{
	const char *answer;
	int shell, used;

	/* What the terminal echoes must not look like the answer. */
	ASSERT_TRUE(client_type(client, "echo BE''GIN $$; ps -eo pid=,ppid=; echo EN''D\n"));
	ASSERT_NE(NULL, client_wait(client, "END"));
	answer = client_wait(client, "BEGIN ");
	ASSERT_NE(NULL, answer);
	ASSERT_EQ(1, sscanf(answer, "%d%n", &shell, &used));
	parse_ps(ps, answer + used);
	return shell;
}

static size_t count(FIXTURE_DATA(login) *self, unsigned int type)
{
	return log_count(&self->log, IN(type, self->session));
}

/* The first record of a type in the session. */
static const struct sshobs_hdr *first(FIXTURE_DATA(login) *self, unsigned int type)
{
	return log_find(&self->log, IN(type, self->session));
}

/* The credentials that some member took on: uid, effective and saved too. */
static bool became(FIXTURE_DATA(login) *self, __u32 uid)
{
	ssize_t i = -1;

	while ((i = log_index(&self->log, IN(SSHOBS_CRED, self->session), i + 1)) >= 0) {
		const struct sshobs_ids *after =
			&((const struct sshobs_cred *)body(self->log.recs[i]))->after;

		if (after->uid == uid && after->euid == uid && after->suid == uid)
			return true;
	}
	return false;
}

TEST_F(login, an_interactive_login_is_told_from_accept_to_end_as_ps_sees_it)
{
	const struct sshobs_hdr *exec, *exit_hdr;
	const struct sshobs_exec *rec;
	static struct ps ps;
	char tty[32];
	pid_t shell;

	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	log_in(_metadata, self);
	shell = ask_ps(_metadata, &self->client, &ps);
	ASSERT_TRUE(client_type(&self->client, "exit 6\n"));
	EXPECT_EQ(6, client_end(&self->client));
	ASSERT_TRUE(ended(self));

	expect_chain(_metadata, self, &ps, shell);
	expect_same_processes(_metadata, self, &ps);
	expect_whole_session(_metadata, &self->log, self->session, self->server);

	/* established < accept < clone < pty < exec of bash < prompt < exit of bash < end, each once */
	ASSERT_EQ(1U, count(self, SSHOBS_PTY));
	ASSERT_EQ(1U, count(self, SSHOBS_PROMPT));
	exec = log_find(&self->log, OF(SSHOBS_EXEC, self->session, shell));
	exit_hdr = log_find(&self->log, OF(SSHOBS_EXIT, self->session, shell));
	ASSERT_NE(NULL, exec);
	ASSERT_NE(NULL, exit_hdr);
	EXPECT_EQ(1U, log_count(&self->log, OF(SSHOBS_EXEC, self->session, shell)));
	EXPECT_EQ(1ULL, first(self, SSHOBS_ESTABLISHED)->session_seq);
	EXPECT_EQ(2ULL, first(self, SSHOBS_ACCEPT)->session_seq);
	EXPECT_EQ(3ULL, first(self, SSHOBS_CLONE)->session_seq);
	EXPECT_LT(first(self, SSHOBS_CLONE)->seq, first(self, SSHOBS_PTY)->seq);
	EXPECT_LT(first(self, SSHOBS_PTY)->seq, exec->seq);
	EXPECT_LT(exec->seq, first(self, SSHOBS_PROMPT)->seq);
	EXPECT_LT(first(self, SSHOBS_PROMPT)->seq, exit_hdr->seq);
	EXPECT_LT(exit_hdr->seq, first(self, SSHOBS_CLOSE)->seq);
	EXPECT_LT(first(self, SSHOBS_CLOSE)->seq, first(self, SSHOBS_END)->seq);

	/* The shell is alice's, on that terminal. */
	EXPECT_EQ((__u32)shell, first(self, SSHOBS_PROMPT)->pid);
	rec = body(exec);
	EXPECT_EQ((__u32)ALICE, rec->uid);
	snprintf(tty, sizeof(tty), "pts/%u",
		 ((const struct sshobs_pty *)body(first(self, SSHOBS_PTY)))->pts);
	EXPECT_STREQ(tty, rec->tty);
	ASSERT_EQ(strlen("/bin/bash"), rec->path_len);
	EXPECT_EQ(0, memcmp(rec->data, "/bin/bash", rec->path_len));
	ASSERT_EQ(sizeof("-bash"), rec->argv_len);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, "-bash", sizeof("-bash")));
	EXPECT_EQ(6U, ((const struct sshobs_exit *)body(exit_hdr))->code);
	EXPECT_TRUE(became(self, ALICE));
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
}

/* --- commands ----------------------------------------------------------------- */

/* What a command prints to tell who it is: its connection, and the chain above it. */
#define WHO	"echo $SSH_CONNECTION; p=$$;"					\
		"while [ $p -gt 0 ]; do echo $p; read -r a b c p d </proc/$p/stat; done"

/* Compare that with the session: its port, and each pid up to the server. */
static void expect_who(struct __test_metadata *_metadata, struct log *log,
		       const char *text, pid_t server, uint64_t *session)
{
	const char *line = strchr(text, '\n');
	pid_t pid, parent, above;
	int used;

	ASSERT_TRUE(log_sync(log));
	*session = log_wait_session(log, port_in(text));
	ASSERT_NE(0ULL, *session) TH_LOG("no session of port %u", port_in(text));
	ASSERT_NE(NULL, line);
	ASSERT_EQ(1, sscanf(line, "%d%n", &pid, &used));
	while (pid != server) {
		line += used;
		ASSERT_EQ(1, sscanf(line, "%d%n", &above, &used)) TH_LOG("%s", text);
		ASSERT_NE(NULL, clone_of(log, *session, pid, &parent))
			TH_LOG("%d is not told of", pid);
		ASSERT_EQ(above, parent) TH_LOG("the parent of %d", pid);
		pid = above;
	}
}

/* Run a command through ssh, and have its whole session in the log. */
static void run_who(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self,
		    const char *host, const char *port)
{
	ASSERT_LT(0, self->server);
	ASSERT_TRUE(client_start(&self->client, false, "ssh", "-p", port, host, WHO "; exit 7",
				 NULL));
	ASSERT_EQ(7, client_end(&self->client));
	expect_who(_metadata, &self->log, self->client.text, self->server, &self->session);
	ASSERT_TRUE(ended(self));
	expect_whole_session(_metadata, &self->log, self->session, self->server);
	EXPECT_EQ(0U, count(self, SSHOBS_PTY));
	EXPECT_EQ(0U, count(self, SSHOBS_PROMPT));
}

static void expect_peer(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self, int family,
			unsigned int local_port)
{
	const struct sshobs_accept *rec = body(first(self, SSHOBS_ACCEPT));
	static const __u8 loopback4[16] = { 127, 0, 0, 1 };
	static const __u8 loopback6[16] = { [15] = 1 };

	EXPECT_EQ(family, rec->peer.family);
	EXPECT_EQ(family, rec->local.family);
	EXPECT_EQ(local_port, rec->local.port);
	EXPECT_EQ(port_in(self->client.text), rec->peer.port);
	EXPECT_EQ(0, memcmp(rec->peer.addr, family == AF_INET ? loopback4 : loopback6, 16));
}

TEST_F(login, a_command_without_a_terminal)
{
	self->server = start_sshd();
	run_who(_metadata, self, "root@127.0.0.1", "22");
	expect_peer(_metadata, self, AF_INET, PORT_SSH);
}

TEST_F(login, over_IPv6)
{
	self->server = start_sshd();
	run_who(_metadata, self, "root@::1", "22");
	expect_peer(_metadata, self, AF_INET6, PORT_SSH);
}

TEST_F(login, sshd_started_by_systemd_for_each_connection)
{
	self->server = start_inetd();
	run_who(_metadata, self, "root@127.0.0.1", "2200");
	expect_peer(_metadata, self, AF_INET, PORT_INETD);
	EXPECT_NE(NULL, find_exec(&self->log, self->session, "/sshd"));
}

TEST_F(login, dropbear)
{
	if (access("/usr/sbin/dropbear", X_OK))
		SKIP(return, "there is no dropbear");
	self->server = start_dropbear();
	run_who(_metadata, self, "root@127.0.0.1", "2201");
	expect_peer(_metadata, self, AF_INET, PORT_DROPBEAR);
}

TEST_F(login, with_a_password)
{
	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	ASSERT_TRUE(client_start(&self->client, false, "sshpass", "-p", "alice", "ssh",
				 "-o", "PubkeyAuthentication=no", "alice@127.0.0.1", WHO, NULL));
	ASSERT_EQ(0, client_end(&self->client));
	expect_who(_metadata, &self->log, self->client.text, self->server, &self->session);
	ASSERT_TRUE(ended(self));
	expect_whole_session(_metadata, &self->log, self->session, self->server);
	EXPECT_TRUE(became(self, ALICE));
}

TEST_F(login, sftp)
{
	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	ASSERT_TRUE(client_start(&self->client, false, "sftp", "-b", "-", "alice@127.0.0.1",
				 NULL));
	ASSERT_TRUE(client_type(&self->client, "ls -a /home/alice\n"));
	EXPECT_EQ(0, client_end(&self->client));
	EXPECT_NE(NULL, strstr(self->client.text, ".ssh"));
	self->session = log_wait(&self->log, WANT(.type = SSHOBS_ACCEPT))->session;
	ASSERT_TRUE(ended(self));
	expect_whole_session(_metadata, &self->log, self->session, self->server);
	EXPECT_NE(NULL, find_exec(&self->log, self->session, "/sftp-server"));
	EXPECT_TRUE(became(self, ALICE));
	EXPECT_EQ(0U, count(self, SSHOBS_PTY));
}

/* --- logins that come to nothing ----------------------------------------------- */

static void expect_no_user(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self)
{
	const struct sshobs_hdr *accepted = log_wait(&self->log, WANT(.type = SSHOBS_ACCEPT));

	ASSERT_NE(NULL, accepted);
	self->session = accepted->session;
	ASSERT_TRUE(ended(self));
	expect_whole_session(_metadata, &self->log, self->session, self->server);
	EXPECT_FALSE(became(self, ALICE));
	EXPECT_EQ(0U, count(self, SSHOBS_PTY));
	EXPECT_EQ(0U, count(self, SSHOBS_PROMPT));
	EXPECT_EQ(NULL, find_exec(&self->log, self->session, "/bash"));
}

TEST_F(login, a_key_that_is_refused)
{
	unlink(BAD_KEY);
	ASSERT_EQ(0, run_shell("ssh-keygen -q -t ed25519 -N '' -f " BAD_KEY));
	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	ASSERT_TRUE(client_start(&self->client, false, "ssh", "-i", BAD_KEY,
				 "-o", "IdentitiesOnly=yes", "-o", "BatchMode=yes",
				 "-o", "LogLevel=QUIET", "alice@127.0.0.1", "true", NULL));
	EXPECT_EQ(255, client_end(&self->client));
	expect_no_user(_metadata, self);
}

TEST_F(login, a_peer_that_leaves_after_the_banner)
{
	char banner[256];
	int sock;

	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	sock = connect_to(AF_INET, PORT_SSH, NULL);
	ASSERT_LE(0, sock);
	ASSERT_LT(0, read(sock, banner, sizeof(banner)));
	EXPECT_EQ(0, memcmp(banner, "SSH-2.0-", 8));
	close(sock);
	expect_no_user(_metadata, self);
}

TEST_F(login, a_port_scan)
{
	const struct sshobs_accept *accepted;
	const struct sshobs_close *closed;
	uint16_t port;
	int sock;

	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	sock = connect_to(AF_INET, PORT_SSH, &port);
	ASSERT_LE(0, sock);
	reset(sock);
	expect_no_user(_metadata, self);
	accepted = body(first(self, SSHOBS_ACCEPT));
	closed = body(first(self, SSHOBS_CLOSE));
	EXPECT_EQ(port, accepted->peer.port);
	EXPECT_EQ(SSHOBS_CLOSE_RESET, closed->flags);
}

/* --- twenty at once -------------------------------------------------------------- */

#define CROWD	20

/* A process belongs to one session. */
static void expect_separate(struct __test_metadata *_metadata, const struct log *log)
{
	size_t i;
	ssize_t k;

	for (i = 0; i < log->count; i++) {
		const struct sshobs_clone *rec = body(log->recs[i]);

		if (log->recs[i]->type != SSHOBS_CLONE || rec->flags & CLONE_THREAD)
			continue;
		for (k = -1; (k = log_index(log, WANT(.pid = rec->child), k + 1)) >= 0;) {
			EXPECT_EQ(log->recs[i]->session, log->recs[k]->session)
				TH_LOG("%s of %u", sshobs_type_name(log->recs[k]->type), rec->child);
		}
	}
}

TEST_F(login, twenty_at_once)
{
	static struct client clients[CROWD];
	uint64_t sessions[CROWD];
	int i, k;

	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	for (i = 0; i < CROWD; i++) {
		ASSERT_TRUE(client_start(&clients[i], false, "ssh", i % 2 ? "root@127.0.0.1"
					 : "alice@127.0.0.1", WHO, NULL));
	}
	for (i = 0; i < CROWD; i++) {
		ASSERT_EQ(0, client_end(&clients[i])) TH_LOG("%d: %s", i, clients[i].text);
	}
	for (i = 0; i < CROWD; i++) {
		expect_who(_metadata, &self->log, clients[i].text, self->server, &sessions[i]);
		for (k = 0; k < i; k++) {
			EXPECT_NE(sessions[k], sessions[i]);
		}
		ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, sessions[i])));
	}
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ((size_t)CROWD, log_count(&self->log, WANT(.type = SSHOBS_ACCEPT)));
	EXPECT_EQ((size_t)CROWD, log_count(&self->log, WANT(.type = SSHOBS_END)));
	for (i = 0; i < CROWD; i++)
		expect_whole_session(_metadata, &self->log, sessions[i], self->server);
	expect_separate(_metadata, &self->log);
	expect_stream_in_order(_metadata, &self->log);
}

/* --- a login that was there first ------------------------------------------------- */

/* Log in without the module, which is loaded then, and have ps tell who there is. */
static pid_t log_in_first(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self,
			  struct ps *ps)
{
	const struct sshobs_hdr *adopted;
	pid_t shell;

	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	self->server = start_sshd();
	ASSERT_LT(0, self->server);
	ASSERT_TRUE(client_start(&self->client, true, "ssh", "alice@127.0.0.1", NULL));
	ASSERT_NE(NULL, client_wait(&self->client, "$ "));
	shell = ask_ps(_metadata, &self->client, ps);

	ASSERT_EQ(0, module_want(SSH_PORTS));
	self->log.fd = records_open(O_NONBLOCK);
	ASSERT_LE(0, self->log.fd);
	ASSERT_TRUE(log_sync(&self->log));
	adopted = log_find(&self->log, WANT(.type = SSHOBS_ADOPT));
	ASSERT_NE(NULL, adopted);
	self->session = adopted->session;
	EXPECT_EQ(1U, log_count(&self->log, WANT(.type = SSHOBS_ADOPT)));
	return shell;
}

/* All but ps itself, which has gone. */
static void expect_adopted_processes(struct __test_metadata *_metadata,
				     FIXTURE_DATA(login) *self, const struct ps *ps)
{
	const struct sshobs_clone *rec;
	size_t i, adopted = 0;
	pid_t parent;

	for (i = 0; i < ps->count; i++) {
		pid_t pid = ps->pid[i];

		if (pid == self->server || !descends(ps, pid, self->server))
			continue;
		rec = clone_of(&self->log, self->session, pid, &parent);
		if (!rec && kill(pid, 0))
			continue;
		ASSERT_NE(NULL, rec) TH_LOG("%d is not adopted", pid);
		adopted++;
		EXPECT_EQ(SSHOBS_CLONE_ADOPTED, rec->how);
		EXPECT_EQ(0ULL, rec->flags);
		EXPECT_EQ(ps->parent[i], parent);
		/* It is some program. */
		EXPECT_EQ(1U, log_count(&self->log, OF(SSHOBS_EXEC, self->session, pid)));
	}
	EXPECT_LE(2U, adopted);
	EXPECT_EQ(adopted, count(self, SSHOBS_CLONE));
	EXPECT_EQ(0U, log_count(&self->log, WANT(.pid = self->server, .type = SSHOBS_EXEC)));
}

static void expect_adopted_shell(struct __test_metadata *_metadata, FIXTURE_DATA(login) *self,
				 pid_t shell)
{
	const struct sshobs_hdr *hdr = log_find(&self->log, OF(SSHOBS_EXEC, self->session, shell));
	const struct sshobs_exec *rec;

	ASSERT_NE(NULL, hdr);
	rec = body(hdr);
	EXPECT_EQ(SSHOBS_EXEC_ADOPTED, rec->flags);
	EXPECT_EQ((__u32)ALICE, rec->uid);
	EXPECT_EQ(0, strncmp(rec->tty, "pts/", 4));
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len - 5, "/bash", 5));
	ASSERT_EQ(sizeof("-bash"), rec->argv_len);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, "-bash", sizeof("-bash")));
}

TEST_F(login, that_was_up_before_the_module_is_adopted_with_its_processes)
{
	const struct sshobs_accept *rec;
	const struct sshobs_hdr *adopted;
	const struct sshobs_end *end;
	static struct ps ps;
	pid_t shell;

	shell = log_in_first(_metadata, self, &ps);
	adopted = first(self, SSHOBS_ADOPT);
	rec = body(adopted);
	EXPECT_EQ(AF_INET, rec->peer.family);
	EXPECT_EQ(PORT_SSH, rec->local.port);
	EXPECT_EQ(0U, rec->backlog);
	EXPECT_NE(0ULL, rec->cookie);
	EXPECT_LT(rec->start_ns, adopted->time_ns);
	EXPECT_EQ(1ULL, adopted->session_seq);
	expect_adopted_processes(_metadata, self, &ps);
	expect_adopted_shell(_metadata, self, shell);

	/* What it does from now on is told as of any other login. */
	ASSERT_TRUE(client_type(&self->client, "/bin/true; exit 4\n"));
	EXPECT_EQ(4, client_end(&self->client));
	ASSERT_TRUE(ended(self));
	expect_session_gapless(_metadata, &self->log, self->session);
	EXPECT_NE(NULL, find_exec(&self->log, self->session, "/bin/true"));
	EXPECT_EQ(1U, log_count(&self->log, OF(SSHOBS_EXIT, self->session, shell)));
	EXPECT_EQ(1U, count(self, SSHOBS_CLOSE));
	ASSERT_EQ(1U, count(self, SSHOBS_END));
	EXPECT_EQ(count(self, SSHOBS_CLONE), count(self, SSHOBS_EXIT));
	end = body(first(self, SSHOBS_END));
	EXPECT_EQ(SSHOBS_INCOMPLETE_ADOPTED, end->incomplete);
	EXPECT_EQ(count(self, SSHOBS_CLONE), end->processes);
}

TEST_F(login, a_server_that_was_up_before_the_module_is_served)
{
	log_close(&self->log);
	ASSERT_EQ(0, module_unload());
	self->server = start_sshd();
	ASSERT_EQ(0, module_want(SSH_PORTS));
	ASSERT_TRUE(log_open(&self->log));
	run_who(_metadata, self, "root@127.0.0.1", "22");
	EXPECT_EQ(0U, log_count(&self->log, WANT(.type = SSHOBS_ADOPT)));
}

TEST_F(login, goes_on_when_the_module_is_unloaded_and_loaded_again)
{
	static struct ps ps;
	uint64_t session;
	int i;

	self->server = start_sshd();
	log_in(_metadata, self);
	for (i = 0; i < 2; i++) {
		log_close(&self->log);
		ASSERT_EQ(0, module_unload());
		ASSERT_EQ(0, module_want(SSH_PORTS));
	}
	self->log.fd = records_open(O_NONBLOCK);
	ASSERT_TRUE(log_sync(&self->log));
	ASSERT_NE(NULL, log_find(&self->log, WANT(.type = SSHOBS_ADOPT)));
	session = log_find(&self->log, WANT(.type = SSHOBS_ADOPT))->session;
	self->session = session;

	ask_ps(_metadata, &self->client, &ps);
	ASSERT_TRUE(client_type(&self->client, "exit 5\n"));
	EXPECT_EQ(5, client_end(&self->client));
	ASSERT_TRUE(ended(self));
	EXPECT_NE(NULL, find_exec(&self->log, session, "/ps"));
}

SELFTEST_MAIN()
