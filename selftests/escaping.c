// SPDX-License-Identifier: GPL-2.0
/*
 * What others control, as a line of text: whatever a user passes, each record is
 * one line of printable ASCII, and undoing the escapes gives the bytes back.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "member.h"

extern char **environ;

/* --- lines -------------------------------------------------------------------- */

static int open_text_now(void)
{
	int fd = open(DEVICE, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	lseek(fd, 0, SEEK_END);
	return fd;
}

/* Read so many lines, 4096 bytes at a time, as awk does. */
static char *read_lines(int fd, size_t lines)
{
	size_t size = lines * 4 * SSHOBS_RECORD_MAX, len = 0, i;
	char *text = malloc(size + 4096);
	ssize_t n;

	while (text && lines && (n = read(fd, text + len, 4096)) > 0) {
		for (i = len; i < len + n; i++)
			lines -= text[i] == '\n';
		len += n;
	}
	if (!text || lines) {
		free(text);
		return NULL;
	}
	text[len] = '\0';
	return text;
}

static int hex_digit(char c)
{
	const char *digits = "0123456789abcdef";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? at - digits : -1;
}

/* One byte, escaped or not. Return it, or -1; *at moves on. */
static int unescape(const char **at)
{
	static const char names[] = "abtnvfr\\\"", values[] = "\a\b\t\n\v\f\r\\\"";
	const char *s = *at, *name;
	int high, low;

	if (*s != '\\') {
		*at = s + 1;
		return *s;
	}
	name = s[1] ? strchr(names, s[1]) : NULL;
	if (name) {
		*at = s + 2;
		return values[name - names];
	}
	if (s[1] != 'x')
		return -1;
	high = hex_digit(s[2]);
	low = high < 0 ? -1 : hex_digit(s[3]);
	*at = s + 4;
	return low < 0 ? -1 : high << 4 | low;
}

/* A quoted string. Return the bytes it stands for, or -1; *at is behind it then. */
static ssize_t unquote(const char **at, unsigned char *out, size_t size)
{
	size_t len = 0;
	int c;

	if (*(*at)++ != '"')
		return -1;
	while (**at != '"') {
		c = **at ? unescape(at) : -1;
		if (c < 0 || len == size)
			return -1;
		out[len++] = c;
	}
	(*at)++;
	return len;
}

static const char *after(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at ? at + strlen(key) : NULL;
}

/* What stands behind a quoted value that was cut, or was not. */
static const char *expect_cut(struct __test_metadata *_metadata, const char *at, const char *key,
			      __u32 len, __u32 total)
{
	char marked[64];

	if (len == total) {
		EXPECT_NE(0, strncmp(at, "...", 3));
		return at;
	}
	snprintf(marked, sizeof(marked), "... %s=%u", key, total);
	EXPECT_EQ(0, strncmp(at, marked, strlen(marked))) TH_LOG("%.60s", at);
	return at + strlen(marked);
}

/* Compare a quoted value with bytes. Return what follows it. */
static const char *expect_bytes(struct __test_metadata *_metadata, const char *at,
				const void *bytes, size_t len)
{
	static unsigned char decoded[SSHOBS_RECORD_MAX];
	ssize_t got;

	ASSERT_NE(NULL, at);
	got = unquote(&at, decoded, sizeof(decoded));
	ASSERT_EQ((ssize_t)len, got);
	EXPECT_EQ(0, memcmp(decoded, bytes, len));
	return at;
}

/* Each argument is quoted; a NUL stands behind all but one that was cut. */
static const char *expect_argv(struct __test_metadata *_metadata, const char *at,
			       const struct sshobs_exec *rec)
{
	const __u8 *bytes = rec->data + rec->path_len;
	size_t left = rec->argv_len, len;

	while (left) {
		len = strnlen((const char *)bytes, left);
		at = expect_bytes(_metadata, at, bytes, len);
		len += len < left;
		bytes += len;
		left -= len;
		if (left) {
			ASSERT_EQ(' ', *at++);
		}
	}
	return at;
}

/* The part that is a line's own: what is quoted in it. */
static void expect_values(struct __test_metadata *_metadata, const struct sshobs_hdr *hdr,
			  const char *line)
{
	const struct sshobs_exec_fail *fail = body(hdr);
	const struct sshobs_mark *mark_rec = body(hdr);
	const struct sshobs_connect *connect_rec = body(hdr);
	const struct sshobs_exec *exec = body(hdr);
	const struct sshobs_wire *wire = body(hdr);
	const struct sshobs_log *log_rec = body(hdr);
	const char *at;

	switch (hdr->type) {
	case SSHOBS_EXEC:
		at = expect_bytes(_metadata, after(line, " path="), exec->data, exec->path_len);
		at = expect_cut(_metadata, at, "path_total", exec->path_len, exec->path_total);
		ASSERT_EQ(0, strncmp(at, " argv=", 6));
		at = expect_argv(_metadata, at + 6, exec);
		at = expect_cut(_metadata, at, "argv_total", exec->argv_len, exec->argv_total);
		EXPECT_EQ(0, *at);
		break;
	case SSHOBS_EXEC_FAIL:
		at = expect_bytes(_metadata, after(line, " path="), fail->data, fail->path_len);
		at = expect_cut(_metadata, at, "path_total", fail->path_len, fail->path_total);
		EXPECT_EQ(0, *at);
		break;
	case SSHOBS_WIRE:
		if (wire->message || !wire->data_len)
			break;
		at = expect_bytes(_metadata, after(line, " line="), wire->data, wire->data_len);
		EXPECT_EQ(0, *at);
		break;
	case SSHOBS_LOG:
		at = expect_bytes(_metadata, after(line, " text="), log_rec->text,
				  log_rec->text_len);
		at = expect_cut(_metadata, at, "text_total", log_rec->text_len,
				log_rec->text_total);
		EXPECT_EQ(0, *at);
		break;
	case SSHOBS_CONNECT:
		if (connect_rec->peer.family == AF_UNIX)
			expect_bytes(_metadata, after(line, " path="), connect_rec->path,
				     connect_rec->path_len);
		break;
	case SSHOBS_MARK:
		at = expect_bytes(_metadata, after(line, " text="), mark_rec->text,
				  mark_rec->text_len);
		EXPECT_EQ(0, *at);
		break;
	}
}

/* As the manual has them: sshobs_type_name() is what is on trial. */
static const char *const events[] = {
	[SSHOBS_ACCEPT] = "accept", [SSHOBS_CLONE] = "clone", [SSHOBS_CLONE_FAIL] = "clone_fail",
	[SSHOBS_EXEC] = "exec", [SSHOBS_EXEC_FAIL] = "exec_fail", [SSHOBS_CRED] = "cred",
	[SSHOBS_PTY] = "pty", [SSHOBS_PROMPT] = "prompt", [SSHOBS_EXIT] = "exit",
	[SSHOBS_CLOSE] = "close", [SSHOBS_END] = "end", [SSHOBS_ADOPT] = "adopt",
	[SSHOBS_MARK] = "mark", [SSHOBS_LOST] = "lost", [SSHOBS_SYN] = "syn",
	[SSHOBS_ESTABLISHED] = "established", [SSHOBS_WIRE] = "wire", [SSHOBS_LOG] = "log",
	[SSHOBS_CONNECT] = "connect", [SSHOBS_READING] = "reading",
	[SSHOBS_PTY_FAIL] = "pty_fail",
};

/* "SECONDS.NANOSECONDS s<session>.<session_seq> <event> <comm>[<pid>]" */
static void expect_start(struct __test_metadata *_metadata, const struct sshobs_hdr *hdr,
			 const char *line)
{
	char start[128], pid[32], comm[SSHOBS_COMM_LEN + 1] = {};
	const char *at;
	size_t len = 0;
	int c;

	ASSERT_GT(sizeof(events) / sizeof(events[0]), hdr->type);
	snprintf(start, sizeof(start), "%llu.%09llu s%llu.%llu %s ",
		 (unsigned long long)(hdr->time_ns / 1000000000),
		 (unsigned long long)(hdr->time_ns % 1000000000),
		 (unsigned long long)hdr->session, (unsigned long long)hdr->session_seq,
		 events[hdr->type]);
	ASSERT_EQ(0, strncmp(line, start, strlen(start))) TH_LOG("%.100s", line);
	for (at = line + strlen(start); *at && *at != '['; len++) {
		/* A blank would be the end of the word. */
		ASSERT_NE(' ', *at);
		c = unescape(&at);
		ASSERT_LE(0, c);
		ASSERT_GT(sizeof(comm), len);
		comm[len] = c;
	}
	if (hdr->comm[0]) {
		EXPECT_EQ(strnlen(hdr->comm, sizeof(hdr->comm)), len);
		EXPECT_EQ(0, memcmp(comm, hdr->comm, len));
	} else {
		EXPECT_STREQ("-", comm);
	}
	snprintf(pid, sizeof(pid), "[%u]", hdr->pid);
	EXPECT_EQ(0, strncmp(at, pid, strlen(pid))) TH_LOG("%.60s", at);
}

static bool is_printable(const char *line)
{
	for (; *line; line++)
		if (*line < ' ' || *line > '~')
			return false;
	return true;
}

/* All that the log holds, as text: a line for each record, in the same order. */
static void expect_lines(struct __test_metadata *_metadata, const struct log *log, int fd)
{
	char *text = read_lines(fd, log->count), *line = text, *end;
	size_t i;

	ASSERT_NE(NULL, text);
	for (i = 0; i < log->count; i++, line = end + 1) {
		end = strchr(line, '\n');
		ASSERT_NE(NULL, end);
		*end = '\0';
		EXPECT_TRUE(is_printable(line)) TH_LOG("%s", line);
		expect_start(_metadata, log->recs[i], line);
		expect_values(_metadata, log->recs[i], line);
	}
	EXPECT_EQ(0, *line);
	free(text);
}

/* --- arguments ------------------------------------------------------------------ */

static const char *program;
static char **arguments;

static void exec_arguments(int sock)
{
	(void)sock;
	if (!born(0)) {
		me->execs = 1;
		execve(program, arguments, environ);
		_exit(126);
	}
	wait(NULL);
}

/* The whole arguments as the kernel lays them out. */
static char *flatten(char *const argv[], size_t *total)
{
	char *flat, *at;
	int i;

	*total = 0;
	for (i = 0; argv[i]; i++)
		*total += strlen(argv[i]) + 1;
	flat = at = malloc(*total + 1);
	for (i = 0; argv[i]; i++)
		at = stpcpy(at, argv[i]) + 1;
	return flat;
}

/* Have a member execute a program, and compare what is told with what it was given. */
static void play_exec(struct __test_metadata *_metadata, FIXTURE_DATA(member) *self,
		      const char *path, char *argv[])
{
	const struct sshobs_exec *rec;
	int text = open_text_now();
	size_t total, len;
	char *flat;

	program = path;
	arguments = argv;
	play(_metadata, self, exec_arguments);
	ASSERT_TRUE(log_sync(&self->log));
	ASSERT_EQ(1U, count_of(self, SSHOBS_EXEC));
	rec = nth(self, SSHOBS_EXEC, 0);
	EXPECT_EQ(0U, rec->flags);
	EXPECT_EQ(strlen(path), rec->path_total);
	EXPECT_EQ(strlen(path), rec->path_len);
	EXPECT_EQ(0, memcmp(rec->data, path, rec->path_len));

	flat = flatten(argv, &total);
	len = total < SSHOBS_ARGV_MAX ? total : SSHOBS_ARGV_MAX;
	EXPECT_EQ(total, rec->argv_total);
	ASSERT_EQ(len, rec->argv_len);
	EXPECT_EQ(0, memcmp(rec->data + rec->path_len, flat, len));
	free(flat);
	expect_lines(_metadata, &self->log, text);
	close(text);
}

TEST_F(member, control_characters_in_arguments)
{
	char *argv[] = {
		"true", "\n", "\r\n", "two\nlines", "\t\v\f\a\b", "\33[2J\33]0;title\7", "\177",
		"\n1.000000000 s1.1 accept sshd[1] peer=1.2.3.4:5 local=1.2.3.4:22", NULL
	};

	play_exec(_metadata, self, "/bin/true", argv);
}

TEST_F(member, bytes_that_are_not_ASCII_in_arguments)
{
	char *argv[] = {
		"true", "\xff\xfe", "\x80", "\xc3\x28", "\xe2\x82", "\xc0\xaf", "\xed\xa0\x80",
		/* CSI as one byte, and as UTF-8; good UTF-8; a change of direction. */
		"\x9b" "31m", "\xc2\x9b" "31m", "gr\xc3\xbc\xc3\x9f", "\xe2\x80\xae" "txt", NULL
	};

	play_exec(_metadata, self, "/bin/true", argv);
}

TEST_F(member, quotes_and_escapes_in_arguments)
{
	char *argv[] = {
		"true", "\"", "\\", "\\\"", "\\\\", "\\n", "\\x41", "ends with \\", "'", "`",
		"\" argv=\"forged", "\"... argv_total=9", "...", "$(reboot)", " ", "  two  ", NULL
	};

	play_exec(_metadata, self, "/bin/true", argv);
}

TEST_F(member, every_byte_in_one_argument)
{
	char bytes[256];
	char *argv[] = { "true", bytes, NULL };
	int i;

	for (i = 0; i < 255; i++)
		bytes[i] = i + 1;
	bytes[255] = '\0';
	play_exec(_metadata, self, "/bin/true", argv);
}

TEST_F(member, an_empty_argument_and_no_argument_at_all)
{
	char *argv[] = { "", "", NULL };

	play_exec(_metadata, self, "/bin/true", argv);
}

/* One argument behind "true" that makes a total of so many bytes. */
static char **arguments_of(size_t total, char fill)
{
	static char *argv[3] = { "true" };
	size_t len = total - sizeof("true") - 1;

	argv[1] = malloc(len + 1);
	memset(argv[1], fill, len);
	argv[1][len] = '\0';
	return argv;
}

TEST_F(member, arguments_of_exactly_4_KiB_are_whole)
{
	play_exec(_metadata, self, "/bin/true", arguments_of(SSHOBS_ARGV_MAX, 'x'));
}

TEST_F(member, arguments_of_4_KiB_and_one_byte_are_cut)
{
	play_exec(_metadata, self, "/bin/true", arguments_of(SSHOBS_ARGV_MAX + 1, 'x'));
}

TEST_F(member, arguments_that_are_cut_behind_an_argument)
{
	char **argv = arguments_of(SSHOBS_ARGV_MAX, 'x');
	char *longer[] = { argv[0], argv[1], "one more", NULL };

	play_exec(_metadata, self, "/bin/true", longer);
}

/* The kernel's own limit for one argument, with its NUL. */
TEST_F(member, one_argument_of_128_KiB)
{
	play_exec(_metadata, self, "/bin/true", arguments_of(131072 + sizeof("true"), 'x'));
}

TEST_F(member, one_argument_of_128_KiB_that_must_be_escaped)
{
	play_exec(_metadata, self, "/bin/true", arguments_of(131072 + sizeof("true"), '\n'));
}

TEST_F(member, thousands_of_empty_arguments)
{
	static char *argv[6000 + 1];
	int i;

	for (i = 0; i < 6000; i++)
		argv[i] = "";
	play_exec(_metadata, self, "/bin/true", argv);
}

TEST_F(member, thousands_of_short_arguments_in_a_megabyte)
{
	static char *argv[20000 + 1];
	int i;

	for (i = 0; i < 20000; i++)
		argv[i] = "\1\2\3\4 and forty bytes more of an argument";
	play_exec(_metadata, self, "/bin/true", argv);
}

/* --- paths ------------------------------------------------------------------------ */

/* A link to a program, whatever its name. */
static void make_link(struct __test_metadata *_metadata, const char *path)
{
	unlink(path);
	ASSERT_EQ(0, symlink("/bin/true", path));
}

TEST_F(member, a_path_with_everything_in_it)
{
	char *argv[] = { "true", NULL };
	const char *path = "/tmp/selftest-\n\33[2J\" argv=\"\\ \xff\xc2\x9b\177";

	make_link(_metadata, path);
	play_exec(_metadata, self, path, argv);
	unlink(path);
}

/* The longest path there is, of bytes that become four each, before arguments of the
 * same kind: the longest line.
 */
TEST_F(member, the_longest_path_and_arguments)
{
	char path[4096] = "/tmp/selftest-long";
	size_t len = strlen(path);

	mkdir(path, 0755);
	while (len + 202 < sizeof(path) - 8) {
		path[len++] = '/';
		memset(path + len, '\1', 200);
		len += 200;
		path[len] = '\0';
		ASSERT_TRUE(!mkdir(path, 0755) || errno == EEXIST);
	}
	while (len < sizeof(path) - 2)
		path[len++] = '/';
	path[len++] = 't';
	path[len] = '\0';
	ASSERT_EQ(4095U, strlen(path));
	make_link(_metadata, path);
	play_exec(_metadata, self, path, arguments_of(SSHOBS_ARGV_MAX + 1, '\1'));
	run_shell("rm -r /tmp/selftest-long");
}

static const char *const missing[] = {
	"/no/\n\33[2J", "/no/\" errno=0", "/no/\\", "/no/\xff\xc2\x9b", "/no/ path=\"/bin/true\"",
};

static void exec_missing(int sock)
{
	size_t i;

	(void)sock;
	for (i = 0; i < ARRAY_SIZE(missing); i++)
		execl(missing[i], "program", NULL);
}

TEST_F(member, paths_that_do_not_exist)
{
	int text = open_text_now();
	size_t i;

	play(_metadata, self, exec_missing);
	ASSERT_TRUE(log_sync(&self->log));
	ASSERT_EQ(ARRAY_SIZE(missing), count_of(self, SSHOBS_EXEC_FAIL));
	for (i = 0; i < ARRAY_SIZE(missing); i++)
		expect_failed_exec(_metadata, self, i, missing[i], ENOENT);
	expect_lines(_metadata, &self->log, text);
	close(text);
}

/* --- names -------------------------------------------------------------------------- */

static const char *const names[] = {
	"two words", "a\nb", "\33[31m", "x[1]=y", "sshd[1]", "\xff\xc2\x9b\x80", "\"\\\"", "]", " ",
	"fifteen bytes..", "\1\2\3\4\5\6\7\10\11\12\13\14\15\16\17",
};

static void take_names(int sock)
{
	size_t i;

	(void)sock;
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		prctl(PR_SET_NAME, names[i]);
		if (mark("named", 5) != 5)
			_exit(126);
	}
	prctl(PR_SET_NAME, "");
	if (mark("nameless", 8) != 8)
		_exit(126);
}

TEST_F(member, names_of_processes)
{
	int text = open_text_now();
	ssize_t at = -1;
	size_t i;

	play(_metadata, self, take_names);
	ASSERT_TRUE(log_sync(&self->log));
	ASSERT_EQ(ARRAY_SIZE(names) + 1, count_of(self, SSHOBS_MARK));
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		at = log_index(&self->log, IN(SSHOBS_MARK, self->session), at + 1);
		EXPECT_EQ(0, strncmp(names[i], self->log.recs[at]->comm, SSHOBS_COMM_LEN));
	}
	expect_lines(_metadata, &self->log, text);
	close(text);
}

/* --- sockets ------------------------------------------------------------------------ */

#define LOG_PATH	"/tmp/selftest/dev-log"

static void fill_with_all_bytes(char *bytes, size_t size)
{
	size_t i;

	for (i = 0; i < size; i++)
		bytes[i] = i;
}

/* A line to the log and the name of a socket, with every byte in them. */
static void speak_in_all_bytes(int sock)
{
	struct sockaddr_un addr = { .sun_family = AF_UNIX, .sun_path = LOG_PATH };
	int to = socket(AF_UNIX, SOCK_DGRAM, 0), from = socket(AF_UNIX, SOCK_DGRAM, 0);
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	char line[4 + 256] = "<13>";

	(void)sock;
	mkdir("/tmp/selftest", 0755);
	unlink(addr.sun_path);
	fill_with_all_bytes(line + 4, 256);
	fill_with_all_bytes(name.sun_path, sizeof(name.sun_path));
	if (bind(to, (void *)&addr, sizeof(addr)) ||
	    connect(from, (void *)&addr, sizeof(addr)) ||
	    send(from, line, sizeof(line), 0) != sizeof(line))
		_exit(126);
	connect(to, (void *)&name, sizeof(name));
	memset(name.sun_path, '\33', sizeof(name.sun_path));
	connect(to, (void *)&name, sizeof(name));
}

TEST_F(member, log_lines_and_socket_names_of_any_bytes)
{
	int text = open_text_now();

	play(_metadata, self, speak_in_all_bytes);
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(1U, count_of(self, SSHOBS_LOG));
	EXPECT_EQ(3U, count_of(self, SSHOBS_CONNECT));
	expect_lines(_metadata, &self->log, text);
	close(text);
}

TEST_F(member, what_a_client_sends_of_any_bytes)
{
	int server = listen_on(AF_INET, PORT), text = open_text_now(), sock;
	char bytes[257];
	uint16_t port;

	self->client = connect_to(AF_INET, PORT, &port);
	sock = accept(server, NULL, NULL);
	fill_with_all_bytes(bytes, sizeof(bytes));
	bytes[256] = '\n';
	ASSERT_EQ(257, write(self->client, bytes, sizeof(bytes)));
	ASSERT_EQ(257, read(sock, bytes, sizeof(bytes)));
	close(self->client);
	close(sock);
	close(server);
	self->session = log_wait_session(&self->log, port);
	ASSERT_NE(NULL, log_wait(&self->log, IN(SSHOBS_END, self->session)));
	ASSERT_TRUE(log_sync(&self->log));
	/* Two lines: a newline is one of the bytes. */
	EXPECT_EQ(2U, count_of(self, SSHOBS_WIRE));
	expect_lines(_metadata, &self->log, text);
	close(text);
}

/* --- marks -------------------------------------------------------------------------- */

TEST_F(member, marks_of_any_bytes)
{
	static const char *const marks[] = {
		"\n", "\n\n", "a\nb", "\33[2J", "\"", "\\", "\" text=\"", "\xff\xc2\x9b",
		"\n1.000000000 s1.1 end sshd[1] duration_ns=1",
	};
	char bytes[SSHOBS_MARK_MAX];
	int text = open_text_now();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		ASSERT_LT(0, mark(marks[i], strlen(marks[i])));
	}
	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = i;
	ASSERT_EQ((ssize_t)sizeof(bytes), mark(bytes, sizeof(bytes)));
	memset(bytes, 0, sizeof(bytes));
	ASSERT_EQ((ssize_t)sizeof(bytes), mark(bytes, sizeof(bytes)));
	ASSERT_TRUE(log_sync(&self->log));
	EXPECT_EQ(ARRAY_SIZE(marks) + 3, self->log.count);
	expect_lines(_metadata, &self->log, text);
	close(text);
}

SELFTEST_MAIN()
