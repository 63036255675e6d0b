// SPDX-License-Identifier: GPL-2.0
#include <ctype.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "escape.h"
#include "format.h"
#include "inspect_words.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

void words_process(FILE *out, const struct sshobs_task_info *task)
{
	escape_put(out, task->comm, strnlen(task->comm, sizeof(task->comm)));
	fprintf(out, "[%u]", task->pid);
}

void words_user(FILE *out, uint32_t uid, bool local)
{
	char name[FORMAT_MAX], number[16];

	format_user(name, uid, local);
	snprintf(number, sizeof(number), "%u", uid);
	escape_string(out, name);
	if (strcmp(name, number) != 0)
		fprintf(out, "(%s)", number);
}

bool next_string(struct blob *rest, struct blob *string)
{
	size_t n = strnlen(rest->data ? rest->data : "", rest->len);

	if (!rest->len)
		return false;
	*string = (struct blob){ rest->data, n };
	n += n < rest->len;
	rest->data += n;
	rest->len -= n;
	return true;
}

void words_argv(FILE *out, const struct snapshot *snapshot)
{
	struct blob all = snapshot->argv, first = { "", 0 };

	/* A title is filled up with NUL. */
	while (all.len && !all.data[all.len - 1])
		all.len--;
	if (!all.len) {
		fputc('[', out);
		escape_put(out, snapshot->task->comm,
			   strnlen(snapshot->task->comm, sizeof(snapshot->task->comm)));
		fputs(snapshot->task->state == 'Z' ? "] <defunct>" : "]", out);
		return;
	}
	next_string(&all, &first);
	if (!all.len)
		escape_put(out, first.data, first.len);
	else
		escape_argv(out, first.data, (size_t)(all.data + all.len - first.data));
	if (snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_ARGV))
		fputs("...", out);
}

const char *name_of_state(unsigned int state)
{
	static const char *const names[] = {
		NULL,	     "ESTAB",  "SYN-SENT",   "SYN-RECV", "FIN-WAIT-1", "FIN-WAIT-2",
		"TIME-WAIT", "UNCONN", "CLOSE-WAIT", "LAST-ACK", "LISTEN",     "CLOSING",
	};

	return state < COUNT(names) ? names[state] : NULL;
}

void words_state(FILE *out, unsigned int state)
{
	if (name_of_state(state))
		fputs(name_of_state(state), out);
	else
		fprintf(out, "state %u", state);
}

void words_flags(FILE *out, uint32_t flags)
{
	/* clang-format off */
	static const struct {
		uint32_t flag;
		const char *name;
	} names[] = {
		{ O_APPEND,	"append" },	{ O_NONBLOCK,	"nonblock" },
		{ O_SYNC,	"sync" },	{ O_DSYNC,	"dsync" },
		{ O_DIRECT,	"direct" },	{ O_DIRECTORY,	"directory" },
		{ O_ASYNC,	"async" },	{ O_PATH,	"path" },
		{ O_CLOEXEC,	"cloexec" },
	};
	/* clang-format on */
	const char *comma = "";
	size_t i;

	for (i = 0; i < COUNT(names); i++) {
		if ((flags & names[i].flag) != names[i].flag)
			continue;
		fprintf(out, "%s%s", comma, names[i].name);
		flags &= ~names[i].flag;
		comma = ",";
	}
}

void words_unix_name(FILE *out, const struct blob *name)
{
	if (name->len && !name->data[0]) {
		fputc('@', out);
		escape_put(out, name->data + 1, name->len - 1);
	} else {
		escape_put(out, name->data, name->len);
	}
}

const char *name_of_kind(unsigned int kind)
{
	static const char *const names[] = { "file", "pipe", "socket", "tty", "ptmx", "anon" };

	return kind < COUNT(names) ? names[kind] : NULL;
}

const char *name_of_family(unsigned int family)
{
	static const char *const names[] = {
		[AF_UNIX] = "unix",	  [AF_INET] = "inet",	  [AF_INET6] = "inet6",
		[AF_NETLINK] = "netlink", [AF_PACKET] = "packet", [AF_ALG] = "alg",
		[AF_VSOCK] = "vsock",
	};

	return family < COUNT(names) ? names[family] : NULL;
}

const char *name_of_type(unsigned int type)
{
	static const char *const names[] = {
		[SOCK_STREAM] = "stream",
		[SOCK_DGRAM] = "dgram",
		[SOCK_RAW] = "raw",
		[SOCK_SEQPACKET] = "seqpacket",
	};

	return type < COUNT(names) ? names[type] : NULL;
}

const char *name_of_protocol(unsigned int protocol)
{
	static const char *const names[] = {
		[IPPROTO_ICMP] = "icmp",     [IPPROTO_TCP] = "tcp",   [IPPROTO_UDP] = "udp",
		[IPPROTO_ICMPV6] = "icmpv6", [IPPROTO_SCTP] = "sctp",
	};

	return protocol < COUNT(names) ? names[protocol] : NULL;
}

const char *name_of_access(uint32_t flags)
{
	static const char *const names[] = { "r", "w", "rw", "-" };

	return flags & O_PATH ? "-" : names[flags & O_ACCMODE];
}

/* clang-format off */
static const struct {
	const char *name;
	const char *unit;
} limits[SSHOBS_LIMITS] = {
	[RLIMIT_AS]		= { "AS",		"bytes" },
	[RLIMIT_CORE]		= { "CORE",		"bytes" },
	[RLIMIT_CPU]		= { "CPU",		"seconds" },
	[RLIMIT_DATA]		= { "DATA",		"bytes" },
	[RLIMIT_FSIZE]		= { "FSIZE",		"bytes" },
	[RLIMIT_LOCKS]		= { "LOCKS",		"locks" },
	[RLIMIT_MEMLOCK]	= { "MEMLOCK",		"bytes" },
	[RLIMIT_MSGQUEUE]	= { "MSGQUEUE",		"bytes" },
	[RLIMIT_NICE]		= { "NICE",		"" },
	[RLIMIT_NOFILE]		= { "NOFILE",		"files" },
	[RLIMIT_NPROC]		= { "NPROC",		"processes" },
	[RLIMIT_RSS]		= { "RSS",		"bytes" },
	[RLIMIT_RTPRIO]		= { "RTPRIO",		"" },
	[RLIMIT_RTTIME]		= { "RTTIME",		"microseconds" },
	[RLIMIT_SIGPENDING]	= { "SIGPENDING",	"signals" },
	[RLIMIT_STACK]		= { "STACK",		"bytes" },
};
/* clang-format on */

const char *name_of_limit(unsigned int limit)
{
	return limits[limit].name;
}

const char *unit_of_limit(unsigned int limit)
{
	return limits[limit].unit;
}

const char *name_of_task_state(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'S':
		return "sleeping";
	case 'D':
		return "disk sleep";
	case 'T':
		return "stopped";
	case 't':
		return "tracing stop";
	case 'Z':
		return "zombie";
	case 'X':
		return "dead";
	case 'I':
		return "idle";
	}
	return NULL;
}

static bool is_variable(const struct blob *string)
{
	size_t i;

	for (i = 0; i < string->len; i++) {
		unsigned char c = (unsigned char)string->data[i];

		if (c == '=')
			return i > 0;
		if (!isalnum(c) && c != '_')
			return false;
	}
	return false;
}

bool environ_is_gone(const struct blob *environ)
{
	struct blob rest = *environ, string;

	while (next_string(&rest, &string))
		if (is_variable(&string))
			return false;
	return environ->len;
}
