// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../kmod/text.h"
#include "escape.h"
#include "format.h"
#include "logline.h"
#include "words.h"

/* A search or a change of user does not take longer between two calls. */
#define JOIN_NS 10000000

static const unsigned char *last_part(const unsigned char *path, size_t len, size_t *part_len)
{
	size_t at = len;

	while (at && path[at - 1] != '/')
		at--;
	*part_len = len - at;
	return path + at;
}

static bool is_miss(const struct event *event)
{
	return event->hdr->type == SSHOBS_EXEC_FAIL && event->exec_fail->error == ENOENT;
}

static bool same_name(const struct event *a, const struct event *b)
{
	size_t a_len, b_len;
	const unsigned char *a_name = last_part(a->data, a->exec_fail->path_len, &a_len);
	const unsigned char *b_name = last_part(b->data, b->exec_fail->path_len, &b_len);

	return a_len == b_len && memcmp(a_name, b_name, a_len) == 0;
}

/* Programs look for the same service again and again, each time that they need a name. */
static bool same_failure(const struct event *a, const struct event *b)
{
	const struct sshobs_connect *x = a->connect, *y = b->connect;

	return x->error && x->error == y->error && x->path_len == y->path_len &&
	       memcmp(&x->peer, &y->peer, sizeof(x->peer)) == 0 &&
	       memcmp(a->data, b->data, x->path_len) == 0;
}

static bool is_log_socket(const struct event *event)
{
	static const char path[] = "/dev/log";

	return !event->connect->error && event->connect->path_len == strlen(path) &&
	       memcmp(event->data, path, strlen(path)) == 0;
}

bool words_join(const struct step *step, const struct event *event)
{
	const struct event *last = step->last;

	if (last->hdr->tid != event->hdr->tid ||
	    event->hdr->time_ns - last->hdr->time_ns > JOIN_NS ||
	    event->hdr->session_seq != last->hdr->session_seq + 1)
		return false;
	if (last->hdr->type == SSHOBS_CONNECT && event->hdr->type == SSHOBS_LOG)
		return is_log_socket(last);
	if (last->hdr->type != event->hdr->type)
		return false;
	if (event->hdr->type == SSHOBS_CRED)
		return true;
	if (event->hdr->type == SSHOBS_CONNECT)
		return same_failure(last, event) ||
		       (event_is_begun(last) && event_ends(event, last));
	return is_miss(last) && is_miss(event) && same_name(last, event);
}

static void put_symbol(FILE *out, const char *name, unsigned int number)
{
	if (name)
		fputs(name, out);
	else
		fprintf(out, "%u", number);
}

static enum tint put_accept(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_accept *accept = step->first->accept;
	char peer[FORMAT_MAX], here[FORMAT_MAX];

	(void)local;
	fprintf(out, "accepted %s on %s", format_endpoint(peer, &accept->peer),
		format_endpoint(here, &accept->local));
	if (accept->backlog)
		fprintf(out, ", %u more in the queue", accept->backlog);
	return TINT_BOLD;
}

static enum tint put_established(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_established *rec = step->first->established;
	char took[FORMAT_MAX];

	(void)local;
	fputs("connection established", out);
	if (rec->synack_ns)
		fprintf(out, ", rtt %s", format_duration(took, rec->rtt_us * 1000ULL));
	if (rec->syns > 1)
		fprintf(out, ", %u SYNs", rec->syns);
	if (!rec->syns_dropped)
		return TINT_DIM;
	fprintf(out, ", %u dropped because the accept queue was full: %u of %u", rec->syns_dropped,
		rec->backlog, rec->backlog_max);
	return TINT_BAD;
}

static enum tint put_wire(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_wire *wire = step->first->wire;
	size_t len = wire->data_len;

	(void)local;
	fputs(wire->direction == SSHOBS_WIRE_IN ? "client: " : "server: ", out);
	if (wire->message) {
		put_symbol(out, sshobs_message_name(wire->message), wire->message);
		if (wire->at)
			fputs(" goes on", out);
	} else {
		while (len &&
		       (step->first->data[len - 1] == '\n' || step->first->data[len - 1] == '\r'))
			len--;
		escape_put(out, step->first->data, len);
	}
	if (wire->flags & SSHOBS_WIRE_FOREIGN)
		fputs(" (does not speak SSH)", out);
	if (wire->flags & SSHOBS_WIRE_CUT)
		fputs(len ? " (the rest is not told)" : "(the rest is not told)", out);
	return wire->flags & (SSHOBS_WIRE_FOREIGN | SSHOBS_WIRE_CUT) ? TINT_WARN : TINT_DIM;
}

static enum tint put_log(FILE *out, const struct step *step, bool local)
{
	const struct event *event = step->last;
	struct part message = logline_message(event->data, event->log->text_len);

	(void)local;
	fputs("log: ", out);
	escape_put(out, message.at, message.len);
	if (event->log->text_len < event->log->text_total)
		fputs("...", out);
	return TINT_NAME;
}

/* "connected to", and what follows the peer's name: how it stands. */
static const char *connect_verb(const struct sshobs_connect *connect)
{
	if (connect->flags & SSHOBS_CONNECT_BEGUN)
		return "connects to ";
	return connect->error || connect->flags ? "connect to " : "connected to ";
}

static void put_connect_result(FILE *out, const struct sshobs_connect *connect)
{
	char took[FORMAT_MAX];

	if (connect->error) {
		fputs(": ", out);
		put_symbol(out, sshobs_errno_name(connect->error), connect->error);
	} else if (connect->flags & SSHOBS_CONNECT_ABANDONED) {
		fputs(": given up", out);
	} else if (connect->flags & SSHOBS_CONNECT_UNSENT) {
		fputs(": not possible from this host", out);
		return;
	}
	if (connect->duration_ns >= 1000000)
		fprintf(out, " in %s", format_duration(took, connect->duration_ns));
}

static enum tint put_connect(FILE *out, const struct step *step, bool local)
{
	const struct event *event = step->last;
	const struct sshobs_connect *connect = event->connect;
	char buf[FORMAT_MAX];

	(void)local;
	if (step->count > 1 && !event_is_begun(step->first))
		fprintf(out, "%zu times: ", step->count);
	fputs(connect_verb(connect), out);
	if (connect->peer.family == AF_UNIX)
		escape_word(out, event->data, connect->path_len);
	else
		fputs(format_endpoint(buf, &connect->peer), out);
	if (connect->protocol == IPPROTO_UDP)
		fputs(" (UDP)", out);
	put_connect_result(out, connect);
	return connect->error || connect->flags & ~SSHOBS_CONNECT_BEGUN ? TINT_DIM : TINT_NAME;
}

static enum tint put_adopt(FILE *out, const struct step *step, bool local)
{
	char peer[FORMAT_MAX];

	(void)local;
	fprintf(out, "connection of %s was up when the module was loaded",
		format_endpoint(peer, &step->first->accept->peer));
	return TINT_BOLD;
}

static enum tint put_clone(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_clone *clone = step->first->clone;

	(void)local;
	if (clone->how & SSHOBS_CLONE_ADOPTED)
		fprintf(out, "is the parent of %u", clone->child);
	else if (clone->how & SSHOBS_CLONE_LATE)
		fprintf(out, "forked %u, linked now", clone->child);
	else if (clone->flags & CLONE_THREAD)
		fprintf(out, "started thread %u", clone->child);
	else
		fprintf(out, "forked %u", clone->child);
	return TINT_NONE;
}

static enum tint put_clone_fail(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_clone_fail *fail = step->first->clone_fail;
	unsigned long long used = fail->nproc_used, soft = fail->nproc_soft;

	(void)local;
	fputs("fork failed: ", out);
	put_symbol(out, sshobs_errno_name(fail->error), fail->error);
	switch (fail->limit) {
	case SSHOBS_FORK_NPROC:
		fprintf(out, ", %llu of %llu processes (RLIMIT_NPROC)", used, soft);
		return TINT_BAD;
	case SSHOBS_FORK_PIDS:
		fputs(", pids.max of a cgroup", out);
		break;
	case SSHOBS_FORK_SYSTEM:
		fputs(", kernel.threads-max or kernel.pid_max", out);
		break;
	}
	fprintf(out, " (%llu processes", used);
	if (fail->nproc_soft == SSHOBS_UNLIMITED)
		fputs(", no RLIMIT_NPROC)", out);
	else
		fprintf(out, ", RLIMIT_NPROC is %llu)", soft);
	return TINT_BAD;
}

/* "bash" stands for "/bin/bash"; "-bash" does not. */
static bool is_name_of(const unsigned char *arg, size_t arg_len, const unsigned char *path,
		       size_t path_len)
{
	size_t len;
	const unsigned char *name = last_part(path, path_len, &len);

	if (arg_len == path_len && memcmp(arg, path, arg_len) == 0)
		return true;
	return arg_len == len && memcmp(arg, name, len) == 0;
}

/*
 * The arguments of a script begin with its interpreter's, and then comes its path.
 * Return where the path is, or NULL if this is no script.
 */
static const unsigned char *find_script(const unsigned char *argv, size_t left,
					const unsigned char *path, size_t path_len)
{
	int i;

	/* The interpreter, and what "#!" may have after it, which is one argument. */
	for (i = 0; i < 3 && left; i++) {
		size_t len = strnlen((const char *)argv, left);

		if (i && len == path_len && memcmp(argv, path, len) == 0)
			return argv;
		len += len < left;
		argv += len;
		left -= len;
	}
	return NULL;
}

/* Arguments without their first one. */
static void put_rest(FILE *out, const unsigned char *argv, size_t left)
{
	size_t len = strnlen((const char *)argv, left);

	len += len < left;
	if (len < left)
		fputc(' ', out);
	escape_argv(out, argv + len, left - len);
}

/* The path and the arguments; the first of them only if it says something else. */
static void put_command(FILE *out, const unsigned char *path, size_t path_len,
			const unsigned char *argv, size_t left)
{
	size_t arg_len = strnlen((const char *)argv, left);
	const unsigned char *script = find_script(argv, left, path, path_len);

	if (is_name_of(argv, arg_len, path, path_len)) {
		put_rest(out, argv, left);
	} else if (script) {
		put_rest(out, script, left - (size_t)(script - argv));
		fputs(" (script of ", out);
		escape_word(out, argv, arg_len);
		fputc(')', out);
	} else if (left) {
		fputs(" as ", out);
		escape_argv(out, argv, left);
	}
}

static enum tint put_exec(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_exec *exec = step->first->exec;
	const unsigned char *path = step->first->data;

	(void)local;
	fputs(exec->flags & SSHOBS_EXEC_ADOPTED ? "runs " : "exec ", out);
	escape_word(out, path, exec->path_len);
	if (exec->path_len < exec->path_total)
		fprintf(out, "... (%u bytes)", exec->path_total);
	put_command(out, path, exec->path_len, path + exec->path_len, exec->argv_len);
	if (exec->argv_len < exec->argv_total)
		fprintf(out, "... (%u bytes)", exec->argv_total);
	if (exec->flags & SSHOBS_EXEC_ARGV_UNREAD)
		fputs(" (arguments unread)", out);
	return TINT_NONE;
}

static enum tint put_exec_fail(FILE *out, const struct step *step, bool local)
{
	const struct event *event = step->first;
	const struct sshobs_limit *as = sshobs_exec_fail_as(event->hdr);
	size_t len;
	const unsigned char *name = last_part(event->data, event->exec_fail->path_len, &len);

	(void)local;
	if (step->count > 1) {
		fprintf(out, "%zu PATH misses: ", step->count);
		escape_word(out, name, len);
		return TINT_DIM;
	}
	fputs(is_miss(event) ? "PATH miss: " : "exec failed: ", out);
	escape_word(out, event->data, event->exec_fail->path_len);
	if (event->exec_fail->path_len < event->exec_fail->path_total)
		fputs("...", out);
	if (is_miss(event))
		return TINT_DIM;
	fputs(": ", out);
	put_symbol(out, sshobs_errno_name(event->exec_fail->error), event->exec_fail->error);
	if (as && as->soft != SSHOBS_UNLIMITED)
		fprintf(out, ", %llu KiB of address space allowed (RLIMIT_AS)",
			(unsigned long long)(as->soft / 1024));
	return TINT_BAD;
}

static void put_user(FILE *out, uint32_t uid, bool local)
{
	char name[FORMAT_MAX], number[FORMAT_MAX];

	format_user(name, uid, local);
	escape_string(out, name);
	snprintf(number, sizeof(number), "%u", uid);
	if (uid && strcmp(name, number) != 0)
		fprintf(out, " (%u)", uid);
}

/* What lasted: from the credentials before the step to those after it. */
static enum tint put_change(FILE *out, const struct sshobs_ids *before,
			    const struct sshobs_ids *after, bool local)
{
	if (before->uid != after->uid) {
		fputs("user ", out);
		put_user(out, before->uid, local);
		fputs(" -> ", out);
		put_user(out, after->uid, local);
		if (after->euid != after->uid) {
			fputs(", acts as ", out);
			put_user(out, after->euid, local);
		}
		return TINT_NAME;
	}
	if (before->euid != after->euid) {
		fputs("acts as ", out);
		put_user(out, after->euid, local);
	} else if (before->gid != after->gid) {
		fprintf(out, "group %u -> %u", before->gid, after->gid);
	} else if (before->cap_eff != after->cap_eff) {
		fprintf(out, "capabilities %llx -> %llx", (unsigned long long)before->cap_eff,
			(unsigned long long)after->cap_eff);
	} else {
		fputs("saved user ", out);
		put_user(out, before->suid, local);
		fputs(" -> ", out);
		put_user(out, after->suid, local);
	}
	return TINT_DIM;
}

/* What did not last: the credentials are again those of before the step. */
static enum tint put_moment(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_ids *before = &step->first->cred->before;
	const struct sshobs_ids *found = NULL;
	const struct event *event;

	for (event = step->first; event <= step->last && !found; event++)
		if (event->cred->after.euid != before->euid)
			found = &event->cred->after;
	if (found) {
		fputs("acted as ", out);
		put_user(out, found->euid, local);
		fputs(" for a moment", out);
		return TINT_DIM;
	}
	for (event = step->first; event <= step->last && !found; event++)
		if (event->cred->after.uid != before->uid)
			found = &event->cred->after;
	if (found) {
		fputs("was user ", out);
		put_user(out, found->uid, local);
		fputs(" for a moment", out);
	} else if (step->first->cred->after.gid != before->gid) {
		fprintf(out, "was in group %u for a moment", step->first->cred->after.gid);
	} else {
		fputs("had other capabilities for a moment", out);
	}
	return TINT_DIM;
}

static enum tint put_cred(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_ids *before = &step->first->cred->before;
	const struct sshobs_ids *after = &step->last->cred->after;

	if (memcmp(before, after, sizeof(*before)) == 0)
		return put_moment(out, step, local);
	return put_change(out, before, after, local);
}

static enum tint put_pty(FILE *out, const struct step *step, bool local)
{
	(void)local;
	fprintf(out, "allocated pts/%u", step->first->pty->pts);
	return TINT_NAME;
}

static enum tint put_pty_fail(FILE *out, const struct step *step, bool local)
{
	uint32_t error = step->first->pty_fail->error;

	(void)local;
	fputs("got no pseudo terminal: ", out);
	put_symbol(out, sshobs_errno_name(error), error);
	if (error == ENOSPC)
		fputs(" (kernel.pty.max, or max= of devpts)", out);
	return TINT_BAD;
}

static enum tint put_prompt(FILE *out, const struct step *step, bool local)
{
	(void)local;
	fprintf(out, "PROMPT: waits for input on pts/%u", step->first->pty->pts);
	return TINT_GOOD;
}

static void put_mib(FILE *out, uint64_t kb)
{
	fprintf(out, "%llu.%llu MiB", (unsigned long long)(kb / 1024),
		(unsigned long long)(kb % 1024 * 10 / 1024));
}

static void put_held(FILE *out, const struct event *event, unsigned int resource, const char *what)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(event->hdr, resource);

	if (limit)
		fprintf(out, ", %llu KiB of %s", (unsigned long long)(limit->soft / 1024), what);
}

/* The limits that it ended at the edge of; those that it was only held to where it ended badly. */
static void put_edges(FILE *out, const struct event *event)
{
	const struct sshobs_limit *fds = sshobs_exit_limit(event->hdr, RLIMIT_NOFILE);
	const struct sshobs_limit *nproc = sshobs_exit_limit(event->hdr, RLIMIT_NPROC);

	if (fds)
		fprintf(out, ", %llu of %llu descriptors in use (RLIMIT_NOFILE)",
			(unsigned long long)fds->used, (unsigned long long)fds->soft);
	if (nproc)
		fprintf(out, ", its user has %llu of %llu processes (RLIMIT_NPROC)",
			(unsigned long long)nproc->used, (unsigned long long)nproc->soft);
	if (!event->exit->code && !event->exit->signal)
		return;
	put_held(out, event, RLIMIT_AS, "address space allowed (RLIMIT_AS)");
	put_held(out, event, RLIMIT_DATA, "data allowed (RLIMIT_DATA)");
}

static enum tint put_exit(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_exit *exit = step->first->exit;
	char cpu[FORMAT_MAX];

	(void)local;
	if (exit->signal) {
		fputs("killed by ", out);
		put_symbol(out, sshobs_signal_name(exit->signal), exit->signal);
	} else {
		fprintf(out, "exit %u", exit->code);
	}
	fprintf(out, " (CPU %s, RSS ", format_duration(cpu, exit->utime_ns + exit->stime_ns));
	put_mib(out, exit->maxrss_kb);
	fputc(')', out);
	put_edges(out, step->first);
	return exit->signal ? TINT_BAD : exit->code ? TINT_WARN : TINT_NONE;
}

static enum tint put_close(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_close *close = step->first->close;
	char rtt[FORMAT_MAX];

	(void)local;
	fprintf(out, "connection %s: %llu bytes in, %llu out, rtt %s",
		close->flags & SSHOBS_CLOSE_RESET ? "reset" : "closed",
		(unsigned long long)close->bytes_received, (unsigned long long)close->bytes_sent,
		format_duration(rtt, close->srtt_us * 1000ULL));
	if (close->retransmits)
		fprintf(out, ", %u retransmits", close->retransmits);
	return TINT_BOLD;
}

static enum tint put_end(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_end *end = step->first->end;

	(void)local;
	if (end->flags & SSHOBS_END_REFUSED)
		fputs("refused: no process took the connection", out);
	else
		fprintf(out, "session ended: %u process%s, %u exec%s", end->processes,
			end->processes == 1 ? "" : "es", end->execs, end->execs == 1 ? "" : "s");
	return TINT_BOLD;
}

static enum tint put_reading(FILE *out, const struct step *step, bool local)
{
	const struct sshobs_reading *reading = step->first->reading;
	bool tight = reading->fds >= reading->fds_soft / 5 * 4;

	(void)local;
	fputs("reading: ", out);
	escape_put(out, &reading->state, 1);
	fputs(", RSS ", out);
	put_mib(out, reading->rss_kb);
	fprintf(out, ", %llu of %llu descriptors%s, capabilities %llx",
		(unsigned long long)reading->fds, (unsigned long long)reading->fds_soft,
		tight ? " (nearly all)" : "", (unsigned long long)reading->ids.cap_eff);
	if (reading->threads > 1)
		fprintf(out, ", %u threads", reading->threads);
	if (reading->flags & SSHOBS_READING_CUT)
		fputs("; there are more processes than were read", out);
	return tight ? TINT_WARN : TINT_DIM;
}

static enum tint put_mark(FILE *out, const struct step *step, bool local)
{
	(void)local;
	fputs("mark: ", out);
	escape_put(out, step->first->data, step->first->mark->text_len);
	return TINT_WARN;
}

static enum tint (*const writers[])(FILE *out, const struct step *step, bool local) = {
	[SSHOBS_ACCEPT] = put_accept,
	[SSHOBS_CLONE] = put_clone,
	[SSHOBS_CLONE_FAIL] = put_clone_fail,
	[SSHOBS_EXEC] = put_exec,
	[SSHOBS_EXEC_FAIL] = put_exec_fail,
	[SSHOBS_CRED] = put_cred,
	[SSHOBS_PTY] = put_pty,
	[SSHOBS_PROMPT] = put_prompt,
	[SSHOBS_EXIT] = put_exit,
	[SSHOBS_CLOSE] = put_close,
	[SSHOBS_END] = put_end,
	[SSHOBS_ADOPT] = put_adopt,
	[SSHOBS_MARK] = put_mark,
	[SSHOBS_ESTABLISHED] = put_established,
	[SSHOBS_WIRE] = put_wire,
	[SSHOBS_LOG] = put_log,
	[SSHOBS_CONNECT] = put_connect,
	[SSHOBS_READING] = put_reading,
	[SSHOBS_PTY_FAIL] = put_pty_fail,
};

enum tint words_put(FILE *out, const struct step *step, bool local)
{
	unsigned int type = step->last->hdr->type;

	if (type < sizeof(writers) / sizeof(writers[0]) && writers[type])
		return writers[type](out, step, local);
	fprintf(out, "event of type %u, which this version does not know", type);
	return TINT_DIM;
}
