// SPDX-License-Identifier: GPL-2.0
#ifdef __KERNEL__
#include <linux/errno.h>
#include <linux/in.h>
#include <linux/kernel.h>
#include <linux/resource.h>
#include <linux/sched.h>
#include <linux/signal.h>
#include <linux/socket.h>
#include <linux/stddef.h>
#include <linux/string.h>
#else
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define __printf(string, first)
#endif

#include "text.h"

/* Where the line grows; it never holds more than size - 1, the newline's place. */
struct line {
	char	*buf;
	size_t	size;
	size_t	len;
};

static void put_char(struct line *line, char c)
{
	if (line->len + 1 < line->size)
		line->buf[line->len++] = c;
}

static void put(struct line *line, const char *s)
{
	while (*s)
		put_char(line, *s++);
}

static __printf(2, 3) void put_fmt(struct line *line, const char *fmt, ...)
{
	char word[96];
	va_list args;

	va_start(args, fmt);
	vsnprintf(word, sizeof(word), fmt, args);
	va_end(args);
	put(line, word);
}

/*
 * Everything that is not printable ASCII is written as C would write it: UTF-8
 * too, since it can spell the C1 controls that a terminal obeys.
 */
static void put_escaped(struct line *line, const void *bytes, size_t len)
{
	static const char hex[] = "0123456789abcdef";
	static const char names[] = "abtnvfr";
	const unsigned char *s = bytes;

	for (; len; len--, s++) {
		if (*s >= ' ' && *s < 0x7f) {
			if (*s == '"' || *s == '\\')
				put_char(line, '\\');
			put_char(line, (char)*s);
			continue;
		}
		put_char(line, '\\');
		if (*s >= '\a' && *s <= '\r') {
			put_char(line, names[*s - '\a']);
			continue;
		}
		put_char(line, 'x');
		put_char(line, hex[*s >> 4]);
		put_char(line, hex[*s & 15]);
	}
}

/* A value that is one word: blanks, '=' and brackets would end it too early. */
static void put_word(struct line *line, const char *s, size_t max)
{
	size_t len = strnlen(s, max);
	size_t i;

	for (i = 0; i < len; i++) {
		if (s[i] == ' ' || s[i] == '[' || s[i] == ']' || s[i] == '=')
			put_fmt(line, "\\x%02x", (unsigned char)s[i]);
		else
			put_escaped(line, s + i, 1);
	}
}

static void put_quoted(struct line *line, const void *bytes, size_t len)
{
	put_char(line, '"');
	put_escaped(line, bytes, len);
	put_char(line, '"');
}

static void put_number(struct line *line, const char *key, __u64 value)
{
	put_fmt(line, " %s=%llu", key, (unsigned long long)value);
}

/* A name from a table, or the number where the table has none. */
static void put_symbol(struct line *line, const char *key, const char *name, unsigned int number)
{
	if (name)
		put_fmt(line, " %s=%s", key, name);
	else
		put_fmt(line, " %s=%u", key, number);
}

/* Names of the set bits, joined by '|'; "0" for none. */
static void put_bits(struct line *line, const char *key, __u64 bits,
		     const char *(*name_of)(unsigned int bit))
{
	const char *separator = "";
	unsigned int bit;

	put_fmt(line, " %s=", key);
	if (!bits)
		put_char(line, '0');
	for (bit = 0; bit < 64; bit++) {
		if (!(bits >> bit & 1))
			continue;
		put(line, separator);
		separator = "|";
		if (name_of(bit))
			put(line, name_of(bit));
		else
			put_fmt(line, "0x%llx", 1ULL << bit);
	}
}

/* RFC 5952: the longest run of two or more zero groups is written as "::". */
static void put_ipv6(struct line *line, const __u8 *addr)
{
	size_t best = 8, best_len = 1, run = 0;
	size_t i;

	for (i = 0; i < 8; i++) {
		run = addr[2 * i] || addr[2 * i + 1] ? 0 : run + 1;
		if (run > best_len) {
			best_len = run;
			best = i + 1 - run;
		}
	}
	for (i = 0; i < 8; i++) {
		if (i == best) {
			put(line, "::");
			i += best_len - 1;
			continue;
		}
		if (i && i != best + best_len)
			put_char(line, ':');
		put_fmt(line, "%x", addr[2 * i] << 8 | addr[2 * i + 1]);
	}
}

static void put_endpoint(struct line *line, const char *key, const struct sshobs_endpoint *end)
{
	const __u8 *a = end->addr;

	put_fmt(line, " %s=", key);
	if (end->family != AF_INET6) {
		put_fmt(line, "%u.%u.%u.%u:%u", a[0], a[1], a[2], a[3], end->port);
		return;
	}
	put_char(line, '[');
	put_ipv6(line, a);
	if (end->scope_id)
		put_fmt(line, "%%%u", end->scope_id);
	put_fmt(line, "]:%u", end->port);
}

static void text_accept(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_accept *rec = body;

	put_endpoint(line, "peer", &rec->peer);
	put_endpoint(line, "local", &rec->local);
	put_fmt(line, " cookie=%llx", (unsigned long long)rec->cookie);
	if (hdr->type == SSHOBS_ADOPT) {
		put_number(line, "start_ns", rec->start_ns);
		return;
	}
	/* Records of the first version end before it. */
	if (hdr->len - hdr->hdr_len >= sizeof(*rec))
		put_number(line, "queue_ns", rec->queue_ns);
	put_number(line, "backlog", rec->backlog);
}

static void text_syn(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_syn *rec = body;

	put_endpoint(line, "peer", &rec->peer);
	put_endpoint(line, "local", &rec->local);
	put_number(line, "peer_isn", rec->peer_isn);
	put_number(line, "window", rec->window);
	put_number(line, "backlog", rec->backlog);
	put_number(line, "backlog_max", rec->backlog_max);
	if (rec->backlog > rec->backlog_max)
		put(line, " dropped=accept_queue_full");
	if (rec->suppressed)
		put_number(line, "suppressed", rec->suppressed);
}

static void text_established(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_established *rec = body;

	put_endpoint(line, "peer", &rec->peer);
	put_endpoint(line, "local", &rec->local);
	put_number(line, "syn_ns", rec->syn_ns);
	put_number(line, "synack_ns", rec->synack_ns);
	put_number(line, "established_ns", rec->established_ns);
	put_number(line, "rtt_us", rec->rtt_us);
	put_number(line, "peer_isn", rec->peer_isn);
	put_number(line, "local_isn", rec->local_isn);
	put_number(line, "syns", rec->syns);
	if (hdr->len - hdr->hdr_len < sizeof(*rec) || !rec->syns_dropped)
		return;
	put_number(line, "syns_dropped", rec->syns_dropped);
	put_number(line, "backlog", rec->backlog);
	put_number(line, "backlog_max", rec->backlog_max);
}

static void text_clone(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_clone *rec = body;

	put_number(line, "child", rec->child);
	if (!rec->how)
		put_bits(line, "flags", rec->flags, sshobs_clone_flag_name);
	if (rec->how & SSHOBS_CLONE_LATE)
		put(line, " how=late");
	if (rec->how & SSHOBS_CLONE_ADOPTED)
		put(line, " how=adopted");
	put_number(line, "start_ns", rec->start_ns);
}

static void put_limit(struct line *line, const char *key, __u64 limit)
{
	if (limit == SSHOBS_UNLIMITED)
		put_fmt(line, " %s=unlimited", key);
	else
		put_number(line, key, limit);
}

static void text_clone_fail(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_clone_fail *rec = body;

	put_symbol(line, "errno", sshobs_errno_name(rec->error), rec->error);
	put_limit(line, "nproc_soft", rec->nproc_soft);
	put_limit(line, "nproc_hard", rec->nproc_hard);
	put_number(line, "nproc_used", rec->nproc_used);
	if (hdr->len - hdr->hdr_len >= sizeof(*rec) && rec->limit)
		put_symbol(line, "limit", sshobs_fork_limit_name(rec->limit), rec->limit);
}

/* What was cut is marked as strace does, and its whole length told. */
static void put_path(struct line *line, const __u8 *path, __u32 len, __u32 total)
{
	put(line, " path=");
	put_quoted(line, path, len);
	if (len < total) {
		put(line, "...");
		put_number(line, "path_total", total);
	}
}

static void put_argv(struct line *line, const struct sshobs_exec *rec)
{
	const char *arg = (const char *)rec->data + rec->path_len;
	size_t left = rec->argv_len;
	const char *separator = "";

	put(line, " argv=");
	while (left) {
		size_t len = strnlen(arg, left);
		size_t skip = len < left ? len + 1 : len;

		put(line, separator);
		put_quoted(line, arg, len);
		separator = " ";
		arg += skip;
		left -= skip;
	}
	if (rec->argv_len < rec->argv_total) {
		put(line, "...");
		put_number(line, "argv_total", rec->argv_total);
	}
}

static void text_exec(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_exec *rec = body;

	put(line, " tty=");
	if (rec->tty[0])
		put_word(line, rec->tty, sizeof(rec->tty));
	else
		put_char(line, '-');
	put_number(line, "uid", rec->uid);
	if (rec->flags & SSHOBS_EXEC_ADOPTED)
		put(line, " how=adopted");
	if (rec->flags & SSHOBS_EXEC_ARGV_UNREAD)
		put(line, " argv_unread=1");
	put_path(line, rec->data, rec->path_len, rec->path_total);
	put_argv(line, rec);
}

static void text_exec_fail(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_exec_fail *rec = body;
	const struct sshobs_limit *as = sshobs_exec_fail_as(hdr);

	put_symbol(line, "errno", sshobs_errno_name(rec->error), rec->error);
	if (as) {
		put_limit(line, "as_soft", as->soft);
		put_limit(line, "as_hard", as->hard);
		put_number(line, "as_used", as->used);
	}
	put_path(line, rec->data, rec->path_len, rec->path_total);
}

static void put_ids(struct line *line, const struct sshobs_ids *ids)
{
	put_number(line, "uid", ids->uid);
	put_number(line, "euid", ids->euid);
	put_number(line, "suid", ids->suid);
	put_number(line, "gid", ids->gid);
	put_fmt(line, " cap_eff=%llx", (unsigned long long)ids->cap_eff);
}

static void text_cred(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_cred *rec = body;

	put_ids(line, &rec->after);
	put_number(line, "old_uid", rec->before.uid);
	put_number(line, "old_euid", rec->before.euid);
	put_number(line, "old_suid", rec->before.suid);
	put_number(line, "old_gid", rec->before.gid);
	put_fmt(line, " old_cap_eff=%llx", (unsigned long long)rec->before.cap_eff);
}

static void text_pty(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_pty *rec = body;

	put_number(line, "pts", rec->pts);
}

static void text_pty_fail(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_pty_fail *rec = body;

	put_symbol(line, "errno", sshobs_errno_name(rec->error), rec->error);
}

/* A limit that a process ended at the edge of. */
static void put_edge(struct line *line, const struct sshobs_hdr *hdr, unsigned int resource,
		     const char *name)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(hdr, resource);
	char key[16];

	if (!limit)
		return;
	snprintf(key, sizeof(key), "%s_soft", name);
	put_limit(line, key, limit->soft);
	snprintf(key, sizeof(key), "%s_hard", name);
	put_limit(line, key, limit->hard);
	snprintf(key, sizeof(key), "%s_used", name);
	if (limit->used != SSHOBS_UNCOUNTED)
		put_number(line, key, limit->used);
}

static void text_exit(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_exit *rec = body;

	if (rec->signal)
		put_symbol(line, "signal", sshobs_signal_name(rec->signal), rec->signal);
	else
		put_number(line, "code", rec->code);
	put_number(line, "utime_ns", rec->utime_ns);
	put_number(line, "stime_ns", rec->stime_ns);
	put_number(line, "maxrss_kb", rec->maxrss_kb);
	put_edge(line, hdr, RLIMIT_DATA, "data");
	put_edge(line, hdr, RLIMIT_NPROC, "nproc");
	put_edge(line, hdr, RLIMIT_NOFILE, "nofile");
	put_edge(line, hdr, RLIMIT_AS, "as");
}

static void text_close(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_close *rec = body;

	put_endpoint(line, "peer", &rec->peer);
	put_endpoint(line, "local", &rec->local);
	put_number(line, "bytes_received", rec->bytes_received);
	put_number(line, "bytes_sent", rec->bytes_sent);
	put_number(line, "srtt_us", rec->srtt_us);
	put_number(line, "retransmits", rec->retransmits);
	put_number(line, "reset", rec->flags & SSHOBS_CLOSE_RESET ? 1 : 0);
}

static void text_end(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_end *rec = body;

	put_number(line, "duration_ns", rec->duration_ns);
	put_number(line, "processes", rec->processes);
	put_number(line, "execs", rec->execs);
	put_number(line, "refused", rec->flags & SSHOBS_END_REFUSED ? 1 : 0);
	put_bits(line, "incomplete", rec->incomplete, sshobs_incomplete_name);
}

/* A line is shown; of a message the name is enough, its bytes are for the reader. */
static void text_wire(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_wire *rec = body;

	put_symbol(line, "direction", sshobs_direction_name(rec->direction), rec->direction);
	put_number(line, "offset", rec->offset);
	put_number(line, "bytes", rec->data_len);
	put_number(line, "net_ns", rec->net_ns);
	if (rec->message) {
		put_symbol(line, "message", sshobs_message_name(rec->message), rec->message);
		put_number(line, "message_len", rec->message_len);
	}
	if (rec->at)
		put_number(line, "at", rec->at);
	put_bits(line, "flags", rec->flags, sshobs_wire_flag_name);
	if (!rec->message && rec->data_len) {
		put(line, " line=");
		put_quoted(line, rec->data, rec->data_len);
	}
}

static void text_log(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_log *rec = body;

	put_number(line, "priority", rec->priority);
	put(line, " text=");
	put_quoted(line, rec->text, rec->text_len);
	if (rec->text_len < rec->text_total) {
		put(line, "...");
		put_number(line, "text_total", rec->text_total);
	}
}

static void text_connect(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_connect *rec = body;
	const char *result = sshobs_connect_result(rec);

	if (rec->peer.family == AF_UNIX)
		put_path(line, rec->path, rec->path_len, rec->path_len);
	else
		put_endpoint(line, "peer", &rec->peer);
	if (rec->protocol)
		put_symbol(line, "protocol", sshobs_protocol_name(rec->protocol), rec->protocol);
	if (!result)
		result = rec->error ? sshobs_errno_name(rec->error) : "0";
	put_symbol(line, "result", result, rec->error);
	if (!(rec->flags & SSHOBS_CONNECT_BEGUN))
		put_number(line, "duration_ns", rec->duration_ns);
}

static void text_reading(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_reading *rec = body;

	put_number(line, "pts", rec->pts);
	put(line, " state=");
	put_escaped(line, &rec->state, 1);
	put_number(line, "threads", rec->threads);
	put_number(line, "rss_kb", rec->rss_kb);
	put_number(line, "vm_kb", rec->vm_kb);
	put_number(line, "fds", rec->fds);
	put_limit(line, "fds_soft", rec->fds_soft);
	put_limit(line, "fds_hard", rec->fds_hard);
	put_ids(line, &rec->ids);
	put_bits(line, "flags", rec->flags, sshobs_reading_flag_name);
	put_number(line, "prompt_ns", rec->prompt_ns);
}

static void text_mark(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_mark *rec = body;

	put(line, " text=");
	put_quoted(line, rec->text, rec->text_len);
}

static void text_lost(struct line *line, const struct sshobs_hdr *hdr, const void *body)
{
	const struct sshobs_lost *rec = body;

	put_number(line, "count", rec->count);
}

/* The one list of events: name, and what follows the part that all lines share. */
static const struct {
	const char *name;
	void (*text)(struct line *line, const struct sshobs_hdr *hdr, const void *body);
} types[] = {
	[SSHOBS_ACCEPT]		= { "accept",		text_accept },
	[SSHOBS_CLONE]		= { "clone",		text_clone },
	[SSHOBS_CLONE_FAIL]	= { "clone_fail",	text_clone_fail },
	[SSHOBS_EXEC]		= { "exec",		text_exec },
	[SSHOBS_EXEC_FAIL]	= { "exec_fail",	text_exec_fail },
	[SSHOBS_CRED]		= { "cred",		text_cred },
	[SSHOBS_PTY]		= { "pty",		text_pty },
	[SSHOBS_PROMPT]		= { "prompt",		text_pty },
	[SSHOBS_EXIT]		= { "exit",		text_exit },
	[SSHOBS_CLOSE]		= { "close",		text_close },
	[SSHOBS_END]		= { "end",		text_end },
	[SSHOBS_ADOPT]		= { "adopt",		text_accept },
	[SSHOBS_MARK]		= { "mark",		text_mark },
	[SSHOBS_LOST]		= { "lost",		text_lost },
	[SSHOBS_SYN]		= { "syn",		text_syn },
	[SSHOBS_ESTABLISHED]	= { "established",	text_established },
	[SSHOBS_WIRE]		= { "wire",		text_wire },
	[SSHOBS_LOG]		= { "log",		text_log },
	[SSHOBS_CONNECT]	= { "connect",		text_connect },
	[SSHOBS_READING]	= { "reading",		text_reading },
	[SSHOBS_PTY_FAIL]	= { "pty_fail",		text_pty_fail },
};

const char *sshobs_type_name(unsigned int type)
{
	return type < ARRAY_SIZE(types) ? types[type].name : NULL;
}

size_t sshobs_text(const struct sshobs_hdr *rec, char *buf, size_t size)
{
	struct line line = { .buf = buf, .size = size };
	const char *name = sshobs_type_name(rec->type);

	if (!size)
		return 0;
	put_fmt(&line, "%llu.%09llu s%llu.%llu ",
		(unsigned long long)(rec->time_ns / 1000000000),
		(unsigned long long)(rec->time_ns % 1000000000),
		(unsigned long long)rec->session, (unsigned long long)rec->session_seq);
	if (name)
		put(&line, name);
	else
		put_fmt(&line, "type%u", rec->type);
	put_char(&line, ' ');
	if (rec->comm[0])
		put_word(&line, rec->comm, sizeof(rec->comm));
	else
		put_char(&line, '-');
	put_fmt(&line, "[%u]", rec->pid);
	if (name)
		types[rec->type].text(&line, rec, (const char *)rec + rec->hdr_len);
	buf[line.len++] = '\n';
	return line.len;
}

const char *sshobs_errno_name(unsigned int error)
{
	static const char *const names[] = {
		[EPERM] = "EPERM", [ENOENT] = "ENOENT", [EINTR] = "EINTR", [EIO] = "EIO",
		[ENXIO] = "ENXIO", [E2BIG] = "E2BIG", [ENOEXEC] = "ENOEXEC", [EBADF] = "EBADF",
		[EAGAIN] = "EAGAIN", [ENOMEM] = "ENOMEM", [EACCES] = "EACCES",
		[EFAULT] = "EFAULT", [EBUSY] = "EBUSY", [EEXIST] = "EEXIST", [ENODEV] = "ENODEV",
		[ENOTDIR] = "ENOTDIR", [EISDIR] = "EISDIR", [EINVAL] = "EINVAL",
		[ENFILE] = "ENFILE", [EMFILE] = "EMFILE", [ETXTBSY] = "ETXTBSY",
		[ENOSPC] = "ENOSPC", [EROFS] = "EROFS", [ENAMETOOLONG] = "ENAMETOOLONG",
		[ELOOP] = "ELOOP", [EOVERFLOW] = "EOVERFLOW", [ELIBBAD] = "ELIBBAD",
		[EUSERS] = "EUSERS", [EOPNOTSUPP] = "EOPNOTSUPP", [ETIMEDOUT] = "ETIMEDOUT",
		[ECONNREFUSED] = "ECONNREFUSED", [ECONNRESET] = "ECONNRESET",
		[ECONNABORTED] = "ECONNABORTED", [EINPROGRESS] = "EINPROGRESS",
		[EALREADY] = "EALREADY", [EISCONN] = "EISCONN", [ENOTCONN] = "ENOTCONN",
		[EADDRINUSE] = "EADDRINUSE", [EADDRNOTAVAIL] = "EADDRNOTAVAIL",
		[EAFNOSUPPORT] = "EAFNOSUPPORT", [EPROTOTYPE] = "EPROTOTYPE",
		[ENETUNREACH] = "ENETUNREACH", [ENETDOWN] = "ENETDOWN",
		[EHOSTUNREACH] = "EHOSTUNREACH", [EHOSTDOWN] = "EHOSTDOWN",
		[ENOTSOCK] = "ENOTSOCK", [EDESTADDRREQ] = "EDESTADDRREQ", [EPIPE] = "EPIPE",
		[ENOBUFS] = "ENOBUFS",
		[ESTALE] = "ESTALE", [EKEYREJECTED] = "EKEYREJECTED", [ENOKEY] = "ENOKEY",
	};

	return error < ARRAY_SIZE(names) ? names[error] : NULL;
}

const char *sshobs_signal_name(unsigned int signal)
{
	static const char *const names[] = {
		[SIGHUP] = "SIGHUP", [SIGINT] = "SIGINT", [SIGQUIT] = "SIGQUIT",
		[SIGILL] = "SIGILL", [SIGTRAP] = "SIGTRAP", [SIGABRT] = "SIGABRT",
		[SIGBUS] = "SIGBUS", [SIGFPE] = "SIGFPE", [SIGKILL] = "SIGKILL",
		[SIGUSR1] = "SIGUSR1", [SIGSEGV] = "SIGSEGV", [SIGUSR2] = "SIGUSR2",
		[SIGPIPE] = "SIGPIPE", [SIGALRM] = "SIGALRM", [SIGTERM] = "SIGTERM",
		[SIGSTKFLT] = "SIGSTKFLT", [SIGCHLD] = "SIGCHLD", [SIGCONT] = "SIGCONT",
		[SIGSTOP] = "SIGSTOP", [SIGTSTP] = "SIGTSTP", [SIGTTIN] = "SIGTTIN",
		[SIGTTOU] = "SIGTTOU", [SIGURG] = "SIGURG", [SIGXCPU] = "SIGXCPU",
		[SIGXFSZ] = "SIGXFSZ", [SIGVTALRM] = "SIGVTALRM", [SIGPROF] = "SIGPROF",
		[SIGWINCH] = "SIGWINCH", [SIGIO] = "SIGIO", [SIGPWR] = "SIGPWR",
		[SIGSYS] = "SIGSYS",
	};

	return signal < ARRAY_SIZE(names) ? names[signal] : NULL;
}

const char *sshobs_clone_flag_name(unsigned int bit)
{
	static const struct {
		__u64 flag;
		const char *name;
	} flags[] = {
		{ CLONE_VM, "CLONE_VM" },
		{ CLONE_FS, "CLONE_FS" },
		{ CLONE_FILES, "CLONE_FILES" },
		{ CLONE_SIGHAND, "CLONE_SIGHAND" },
		{ CLONE_VFORK, "CLONE_VFORK" },
		{ CLONE_PARENT, "CLONE_PARENT" },
		{ CLONE_THREAD, "CLONE_THREAD" },
		{ CLONE_NEWNS, "CLONE_NEWNS" },
		{ CLONE_NEWCGROUP, "CLONE_NEWCGROUP" },
		{ CLONE_NEWUTS, "CLONE_NEWUTS" },
		{ CLONE_NEWIPC, "CLONE_NEWIPC" },
		{ CLONE_NEWUSER, "CLONE_NEWUSER" },
		{ CLONE_NEWPID, "CLONE_NEWPID" },
		{ CLONE_NEWNET, "CLONE_NEWNET" },
	};
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (flags[i].flag == 1ULL << bit)
			return flags[i].name;
	return NULL;
}

const char *sshobs_fork_limit_name(unsigned int limit)
{
	static const char *const names[] = {
		[SSHOBS_FORK_NPROC] = "nproc", [SSHOBS_FORK_PIDS] = "pids",
		[SSHOBS_FORK_SYSTEM] = "system",
	};

	return limit < ARRAY_SIZE(names) ? names[limit] : NULL;
}

const struct sshobs_limit *sshobs_exec_fail_as(const struct sshobs_hdr *hdr)
{
	const struct sshobs_exec_fail *rec = (const void *)((const char *)hdr + hdr->hdr_len);
	size_t at = (offsetof(struct sshobs_exec_fail, data) + (size_t)rec->path_len + 7) & ~7UL;

	if (hdr->len - hdr->hdr_len < at + sizeof(struct sshobs_limit))
		return NULL;
	return (const void *)((const char *)rec + at);
}

const struct sshobs_limit *sshobs_exit_limit(const struct sshobs_hdr *hdr, unsigned int resource)
{
	const struct sshobs_exit *rec = (const void *)((const char *)hdr + hdr->hdr_len);
	size_t size = hdr->len - hdr->hdr_len, at = sizeof(*rec);
	unsigned int bit;

	if (size < at || resource >= SSHOBS_LIMITS || !(rec->limits & 1U << resource))
		return NULL;
	for (bit = 0; bit < resource; bit++)
		at += rec->limits & 1U << bit ? sizeof(rec->limit[0]) : 0;
	if (size < at + sizeof(rec->limit[0]))
		return NULL;
	return (const void *)((const char *)rec + at);
}

const char *sshobs_incomplete_name(unsigned int bit)
{
	static const char *const names[] = {
		"adopted", "tasks", "missed", "unwatched", "dropped", "wire",
		"reading",
	};

	return bit < ARRAY_SIZE(names) ? names[bit] : NULL;
}

const char *sshobs_direction_name(unsigned int direction)
{
	static const char *const names[] = {
		[SSHOBS_WIRE_IN] = "in", [SSHOBS_WIRE_OUT] = "out",
	};

	return direction < ARRAY_SIZE(names) ? names[direction] : NULL;
}

const char *sshobs_wire_flag_name(unsigned int bit)
{
	static const char *const names[] = { "whole", "last", "foreign", "cut" };

	return bit < ARRAY_SIZE(names) ? names[bit] : NULL;
}

const char *sshobs_reading_flag_name(unsigned int bit)
{
	static const char *const names[] = { "last", "cut" };

	return bit < ARRAY_SIZE(names) ? names[bit] : NULL;
}

const char *sshobs_message_name(unsigned int message)
{
	/* Those that can come before encryption; 30 to 49 depend on the key exchange. */
	static const char *const names[] = {
		[1] = "DISCONNECT", [2] = "IGNORE", [3] = "UNIMPLEMENTED", [4] = "DEBUG",
		[5] = "SERVICE_REQUEST", [6] = "SERVICE_ACCEPT", [7] = "EXT_INFO",
		[20] = "KEXINIT", [21] = "NEWKEYS", [30] = "KEX_INIT", [31] = "KEX_REPLY",
		[32] = "KEX_GEX_INIT", [33] = "KEX_GEX_REPLY", [34] = "KEX_GEX_REQUEST",
	};

	return message < ARRAY_SIZE(names) ? names[message] : NULL;
}

const char *sshobs_protocol_name(unsigned int protocol)
{
	switch (protocol) {
	case IPPROTO_TCP:
		return "tcp";
	case IPPROTO_UDP:
		return "udp";
	}
	return NULL;
}

const char *sshobs_connect_result(const struct sshobs_connect *connect)
{
	if (connect->flags & SSHOBS_CONNECT_BEGUN)
		return "begun";
	if (connect->flags & SSHOBS_CONNECT_ABANDONED)
		return "abandoned";
	if (connect->flags & SSHOBS_CONNECT_UNSENT)
		return "unsent";
	return NULL;
}
