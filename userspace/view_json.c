// SPDX-License-Identifier: GPL-2.0
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>

#include "../kmod/text.h"
#include "format.h"
#include "json_build.h"
#include "view_json.h"

static void json_accept(struct json_object *object, const struct event *event)
{
	char cookie[32];

	json_add_endpoints(object, &event->accept->peer, &event->accept->local);
	snprintf(cookie, sizeof(cookie), "%llx", (unsigned long long)event->accept->cookie);
	json_add_string(object, "cookie", cookie);
	json_add_u64(object, "start_ns", event->accept->start_ns);
	if (event->hdr->type == SSHOBS_ACCEPT) {
		if (event->hdr->len - event->hdr->hdr_len >= sizeof(*event->accept))
			json_add_u64(object, "queue_ns", event->accept->queue_ns);
		json_add_u64(object, "backlog", event->accept->backlog);
	}
}

static void json_syn(struct json_object *object, const struct event *event)
{
	const struct sshobs_syn *syn = event->syn;

	json_add_endpoints(object, &syn->peer, &syn->local);
	json_add_u64(object, "peer_isn", syn->peer_isn);
	json_add_u64(object, "window", syn->window);
	json_add_u64(object, "backlog", syn->backlog);
	json_add_u64(object, "backlog_max", syn->backlog_max);
	json_add_string(object, "dropped",
			syn->backlog > syn->backlog_max ? "accept_queue_full" : NULL);
	json_add_u64(object, "suppressed", syn->suppressed);
}

static void json_established(struct json_object *object, const struct event *event)
{
	const struct sshobs_established *established = event->established;

	json_add_endpoints(object, &established->peer, &established->local);
	json_add_ns(object, "syn_ns", established->syn_ns);
	json_add_ns(object, "synack_ns", established->synack_ns);
	json_add_ns(object, "established_ns", established->established_ns);
	json_add_u64(object, "rtt_us", established->rtt_us);
	json_add_u64(object, "peer_isn", established->peer_isn);
	json_add_u64(object, "local_isn", established->local_isn);
	json_add_u64(object, "syns", established->syns);
	if (!established->syns_dropped)
		return;
	json_add_u64(object, "syns_dropped", established->syns_dropped);
	json_add_u64(object, "backlog", established->backlog);
	json_add_u64(object, "backlog_max", established->backlog_max);
}

static const char *how_name(uint32_t how)
{
	if (how & SSHOBS_CLONE_ADOPTED)
		return "adopted";
	return how & SSHOBS_CLONE_LATE ? "late" : "fork";
}

static void json_clone(struct json_object *object, const struct event *event)
{
	json_add_u64(object, "child", event->clone->child);
	json_add(object, "flags", json_bits(event->clone->flags, sshobs_clone_flag_name));
	json_add_u64(object, "start_ns", event->clone->start_ns);
	json_add_string(object, "how", how_name(event->clone->how));
}

static void add_limit(struct json_object *object, const char *key, uint64_t limit)
{
	if (limit == SSHOBS_UNLIMITED)
		json_add(object, key, NULL);
	else
		json_add_u64(object, key, limit);
}

static void json_clone_fail(struct json_object *object, const struct event *event)
{
	json_add_symbol(object, "errno", sshobs_errno_name(event->clone_fail->error),
			event->clone_fail->error);
	add_limit(object, "nproc_soft", event->clone_fail->nproc_soft);
	add_limit(object, "nproc_hard", event->clone_fail->nproc_hard);
	json_add_u64(object, "nproc_used", event->clone_fail->nproc_used);
	json_add_string(object, "limit", sshobs_fork_limit_name(event->clone_fail->limit));
}

static void json_exec(struct json_object *object, const struct event *event)
{
	const struct sshobs_exec *exec = event->exec;

	json_add_path(object, event->data, exec->path_len, exec->path_total);
	json_add_argv(object, event->data + exec->path_len, exec->argv_len);
	if (exec->argv_len < exec->argv_total)
		json_add_u64(object, "argv_total", exec->argv_total);
	json_add_tty(object, exec->tty);
	json_add_u64(object, "uid", exec->uid);
	if (exec->flags & SSHOBS_EXEC_ADOPTED)
		json_add_string(object, "how", "adopted");
	if (exec->flags & SSHOBS_EXEC_ARGV_UNREAD)
		json_add_bool(object, "argv_unread", true);
}

static void json_exec_fail(struct json_object *object, const struct event *event)
{
	const struct sshobs_limit *as = sshobs_exec_fail_as(event->hdr);

	json_add_path(object, event->data, event->exec_fail->path_len,
		      event->exec_fail->path_total);
	json_add_symbol(object, "errno", sshobs_errno_name(event->exec_fail->error),
			event->exec_fail->error);
	if (!as)
		return;
	add_limit(object, "as_soft", as->soft);
	add_limit(object, "as_hard", as->hard);
	json_add_u64(object, "as_used", as->used);
}

static void add_ids(struct json_object *object, const char *prefix, const struct sshobs_ids *ids)
{
	char key[32], caps[32];

	snprintf(key, sizeof(key), "%suid", prefix);
	json_add_u64(object, key, ids->uid);
	snprintf(key, sizeof(key), "%seuid", prefix);
	json_add_u64(object, key, ids->euid);
	snprintf(key, sizeof(key), "%ssuid", prefix);
	json_add_u64(object, key, ids->suid);
	snprintf(key, sizeof(key), "%sgid", prefix);
	json_add_u64(object, key, ids->gid);
	snprintf(key, sizeof(key), "%scap_eff", prefix);
	snprintf(caps, sizeof(caps), "%016llx", (unsigned long long)ids->cap_eff);
	json_add_string(object, key, caps);
}

static void json_cred(struct json_object *object, const struct event *event)
{
	add_ids(object, "", &event->cred->after);
	add_ids(object, "old_", &event->cred->before);
}

static void json_pty(struct json_object *object, const struct event *event)
{
	json_add_u64(object, "pts", event->pty->pts);
}

static void json_pty_fail(struct json_object *object, const struct event *event)
{
	json_add_symbol(object, "errno", sshobs_errno_name(event->pty_fail->error),
			event->pty_fail->error);
}

/* A limit that a process ended at the edge of. */
static void add_edge(struct json_object *object, const struct event *event, unsigned int resource,
		     const char *name)
{
	const struct sshobs_limit *limit = sshobs_exit_limit(event->hdr, resource);
	char key[16];

	if (!limit)
		return;
	snprintf(key, sizeof(key), "%s_soft", name);
	add_limit(object, key, limit->soft);
	snprintf(key, sizeof(key), "%s_hard", name);
	add_limit(object, key, limit->hard);
	snprintf(key, sizeof(key), "%s_used", name);
	if (limit->used != SSHOBS_UNCOUNTED)
		json_add_u64(object, key, limit->used);
}

static void json_exit(struct json_object *object, const struct event *event)
{
	json_add_outcome(object, event->exit->code, event->exit->signal);
	json_add_u64(object, "utime_ns", event->exit->utime_ns);
	json_add_u64(object, "stime_ns", event->exit->stime_ns);
	json_add_u64(object, "maxrss_kb", event->exit->maxrss_kb);
	add_edge(object, event, RLIMIT_DATA, "data");
	add_edge(object, event, RLIMIT_NPROC, "nproc");
	add_edge(object, event, RLIMIT_NOFILE, "nofile");
	add_edge(object, event, RLIMIT_AS, "as");
}

static void json_close(struct json_object *object, const struct event *event)
{
	json_add_endpoints(object, &event->close->peer, &event->close->local);
	json_add_close(object, event->close);
}

static void json_end(struct json_object *object, const struct event *event)
{
	json_add_u64(object, "duration_ns", event->end->duration_ns);
	json_add_u64(object, "processes", event->end->processes);
	json_add_u64(object, "execs", event->end->execs);
	json_add_bool(object, "refused", event->end->flags & SSHOBS_END_REFUSED);
	json_add(object, "incomplete", json_bits(event->end->incomplete, sshobs_incomplete_name));
}

static void json_wire(struct json_object *object, const struct event *event)
{
	const struct sshobs_wire *wire = event->wire;

	json_add_symbol(object, "direction", sshobs_direction_name(wire->direction),
			wire->direction);
	json_add_u64(object, "offset", wire->offset);
	json_add_u64(object, "net_ns", wire->net_ns);
	if (wire->message) {
		json_add_symbol(object, "message", sshobs_message_name(wire->message),
				wire->message);
		json_add_u64(object, "message_len", wire->message_len);
	}
	json_add_u64(object, "at", wire->at);
	json_add(object, "flags", json_bits(wire->flags, sshobs_wire_flag_name));
	json_add_bytes(object, "data", event->data, wire->data_len);
}

static void json_log(struct json_object *object, const struct event *event)
{
	json_add_u64(object, "priority", event->log->priority);
	json_add_bytes(object, "text", event->data, event->log->text_len);
	if (event->log->text_len < event->log->text_total)
		json_add_u64(object, "text_total", event->log->text_total);
}

static void json_connect(struct json_object *object, const struct event *event)
{
	const struct sshobs_connect *connect = event->connect;
	const char *result = sshobs_connect_result(connect);

	if (connect->peer.family == AF_UNIX)
		json_add_bytes(object, "path", event->data, connect->path_len);
	else
		json_add_endpoint(object, "addr", "port", &connect->peer);
	if (connect->protocol)
		json_add_symbol(object, "protocol", sshobs_protocol_name(connect->protocol),
				connect->protocol);
	if (result)
		json_add_string(object, "result", result);
	else
		json_add_symbol(object, "result", sshobs_errno_name(connect->error),
				connect->error);
	if (!(connect->flags & SSHOBS_CONNECT_BEGUN))
		json_add_u64(object, "duration_ns", connect->duration_ns);
}

static void json_reading(struct json_object *object, const struct event *event)
{
	const struct sshobs_reading *reading = event->reading;

	json_add_u64(object, "pts", reading->pts);
	json_add_bytes(object, "state", &reading->state, 1);
	json_add_u64(object, "threads", reading->threads);
	json_add_u64(object, "rss_kb", reading->rss_kb);
	json_add_u64(object, "vm_kb", reading->vm_kb);
	json_add_u64(object, "fds", reading->fds);
	add_limit(object, "fds_soft", reading->fds_soft);
	add_limit(object, "fds_hard", reading->fds_hard);
	add_ids(object, "", &reading->ids);
	json_add(object, "flags", json_bits(reading->flags, sshobs_reading_flag_name));
	json_add_u64(object, "prompt_ns", reading->prompt_ns);
}

static void json_mark(struct json_object *object, const struct event *event)
{
	json_add_bytes(object, "text", event->data, event->mark->text_len);
}

static void json_lost(struct json_object *object, const struct event *event)
{
	json_add_u64(object, "count", event->lost->count);
}

static void (*const writers[])(struct json_object *object, const struct event *event) = {
	[SSHOBS_ACCEPT] = json_accept,
	[SSHOBS_CLONE] = json_clone,
	[SSHOBS_CLONE_FAIL] = json_clone_fail,
	[SSHOBS_EXEC] = json_exec,
	[SSHOBS_EXEC_FAIL] = json_exec_fail,
	[SSHOBS_CRED] = json_cred,
	[SSHOBS_PTY] = json_pty,
	[SSHOBS_PROMPT] = json_pty,
	[SSHOBS_EXIT] = json_exit,
	[SSHOBS_CLOSE] = json_close,
	[SSHOBS_END] = json_end,
	[SSHOBS_ADOPT] = json_accept,
	[SSHOBS_MARK] = json_mark,
	[SSHOBS_LOST] = json_lost,
	[SSHOBS_SYN] = json_syn,
	[SSHOBS_ESTABLISHED] = json_established,
	[SSHOBS_WIRE] = json_wire,
	[SSHOBS_LOG] = json_log,
	[SSHOBS_CONNECT] = json_connect,
	[SSHOBS_READING] = json_reading,
	[SSHOBS_PTY_FAIL] = json_pty_fail,
};

void view_json_event(const struct event *event, const struct origin *origin)
{
	const struct sshobs_hdr *hdr = event->hdr;
	const char *name = sshobs_type_name(hdr->type);
	struct json_object *object;
	char when[FORMAT_MAX];

	if (!name)
		return;
	object = json_object_new_object();
	json_add_string(object, "time", format_utc(when, event_realtime(event)));
	json_add_u64(object, "mono_ns", hdr->time_ns);
	json_add_origin(object, origin);
	json_add_u64(object, "seq", hdr->seq);
	json_add_u64(object, "session", hdr->session);
	json_add_u64(object, "session_seq", hdr->session_seq);
	json_add_string(object, "event", name);
	json_add_u64(object, "pid", hdr->pid);
	json_add_u64(object, "tid", hdr->tid);
	json_add_bytes(object, "comm", hdr->comm, strnlen(hdr->comm, SSHOBS_COMM_LEN));
	json_add_u64(object, "cpu_ns", hdr->cpu_ns);
	json_add_u64(object, "run_delay_ns", event_run_delay(event));
	if (hdr->type < sizeof(writers) / sizeof(writers[0]) && writers[hdr->type])
		writers[hdr->type](object, event);
	json_print(object);
}
