// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sched.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include "model.h"

#include "../kmod/text.h"
#include "user.h"

static void copy_comm(char *to, const struct sshobs_hdr *hdr)
{
	memcpy(to, hdr->comm, SSHOBS_COMM_LEN);
	to[SSHOBS_COMM_LEN] = '\0';
}

static void free_program(struct program *program)
{
	free(program->path);
	free(program->argv);
}

static void free_process(struct process *process)
{
	size_t i;

	for (i = 0; i < process->n_execs; i++)
		free_program(&process->execs[i]);
	free(process->execs);
	free(process);
}

static void drop_processes(struct session *session)
{
	struct process *process, *next;

	HASH_CLEAR(hh, session->live);
	for (process = session->processes; process; process = next) {
		next = process->next;
		free_process(process);
	}
	session->processes = NULL;
	session->last_process = NULL;
}

/* Only what it is now. */
static void drop_old_programs(struct process *process)
{
	size_t i;

	for (i = 0; i + 1 < process->n_execs; i++)
		free_program(&process->execs[i]);
	if (i) {
		process->execs[0] = process->execs[i];
		process->n_execs = 1;
	}
}

/* A parent appears before its children, so that its own parent is right already. */
static void link_to_the_living(struct session *session)
{
	struct process *process;

	for (process = session->processes; process; process = process->next) {
		struct process *parent = process->parent;

		if (parent && parent->end_ns && parent->parent)
			parent = parent->parent;
		process->parent = parent;
		process->needed = !process->end_ns;
	}
	for (process = session->live; process; process = process->hh.next)
		if (process->parent)
			process->parent->needed = true;
}

void model_drop_past(struct session *session)
{
	struct process **link = &session->processes, *process;

	link_to_the_living(session);
	session->last_process = NULL;
	while ((process = *link)) {
		if (process->needed) {
			drop_old_programs(process);
			session->last_process = process;
			link = &process->next;
			continue;
		}
		*link = process->next;
		free_process(process);
	}
}

void model_drop_events(struct session *session)
{
	size_t i;

	for (i = 0; i < session->n_kept; i++)
		stream_free_copy(&session->kept[i]);
	free(session->kept);
	session->kept = NULL;
	session->n_kept = 0;
}

static void free_session(struct session *session)
{
	model_drop_events(session);
	drop_processes(session);
	negotiation_free(session->negotiation);
	evidence_free(&session->evidence);
	limits_free(&session->limits);
	free(session);
}

void model_drop_session(struct model *model, struct session *session)
{
	HASH_DEL(model->sessions, session);
	free_session(session);
}

void model_init(struct model *model, enum model_keep keep, bool forget)
{
	memset(model, 0, sizeof(*model));
	model->keep = keep;
	model->forget = forget;
}

void model_free(struct model *model)
{
	struct session *session = model->sessions, *next;

	HASH_CLEAR(hh, model->sessions);
	for (; session; session = next) {
		next = session->hh.next;
		free_session(session);
	}
}

struct session *model_find(const struct model *model, uint64_t id)
{
	struct session *session;

	HASH_FIND(hh, model->sessions, &id, sizeof(id), session);
	return session;
}

struct process *model_find_process(const struct session *session, uint32_t pid)
{
	struct process *process;

	HASH_FIND(hh, session->live, &pid, sizeof(pid), process);
	return process;
}

bool model_had_process(const struct session *session, uint32_t pid)
{
	const struct process *process;

	for (process = session->processes; process; process = process->next)
		if (process->pid == pid)
			return true;
	return false;
}

const struct program *model_program(const struct process *process)
{
	return process->n_execs ? &process->execs[process->n_execs - 1] : NULL;
}

bool model_user(const struct session *session, uint32_t *uid)
{
	*uid = session->uid;
	return session->user != USER_UNKNOWN;
}

bool model_user_is_guess(const struct session *session)
{
	return session->user == USER_GUESSED && !session->ended;
}

struct bytes model_user_name(const struct session *session)
{
	return session->evidence.user;
}

bool model_is_user(const struct session *session, const char *name, const uint32_t *uid)
{
	struct bytes logged = model_user_name(session);
	uint32_t own;

	if (name && logged.at)
		return logged.len == strlen(name) && memcmp(logged.at, name, logged.len) == 0;
	return uid && model_user(session, &own) && own == *uid;
}

uint32_t model_incomplete(const struct model *model, const struct session *session)
{
	uint32_t reasons = session->incomplete;

	if (session->adopted)
		reasons |= SSHOBS_INCOMPLETE_ADOPTED;
	if (!session->born)
		reasons |= INCOMPLETE_START;
	if (session->missing)
		reasons |= INCOMPLETE_MISSING;
	if (!session->ended && session->last_seq < model->last_lost_seq)
		reasons |= INCOMPLETE_LOST;
	if (session->cuts || session->log_cuts)
		reasons |= INCOMPLETE_CUT;
	return reasons;
}

const char *model_incomplete_name(unsigned int bit)
{
	switch (1U << bit) {
	case INCOMPLETE_START:
		return "start";
	case INCOMPLETE_MISSING:
		return "missing";
	case INCOMPLETE_LOST:
		return "lost";
	case INCOMPLETE_CUT:
		return "cut";
	}
	return sshobs_incomplete_name(bit);
}

uint64_t model_begins_ns(const struct session *session)
{
	const struct sshobs_established *established = &session->established;
	uint64_t begin = session->start_ns;

	if (session->handshake)
		begin = established->syn_ns    ? established->syn_ns :
			established->synack_ns ? established->synack_ns :
						 established->established_ns;
	else if (session->queue_ns < begin)
		begin -= session->queue_ns;
	return begin < session->start_ns ? begin : session->start_ns;
}

bool model_time_to_prompt(const struct session *session, uint64_t *ns)
{
	uint64_t begin = model_begins_ns(session);

	if (!session->born || session->adopted || session->prompt_ns < begin)
		return false;
	*ns = session->prompt_ns - begin;
	return true;
}

uint64_t model_ends_ns(const struct model *model, const struct session *session)
{
	return session->ended ? session->end_ns : model->now_ns;
}

/* The number of a new session is the highest; only the newest one's are kept. */
static void drop_older_events(struct model *model, uint64_t id)
{
	struct session *older;

	if (id <= model->newest)
		return;
	older = model->keep == KEEP_NEWEST ? model_find(model, model->newest) : NULL;
	if (older)
		model_drop_events(older);
	model->newest = id;
}

static struct session *add_session(struct model *model, const struct sshobs_hdr *hdr)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		return NULL;
	session->id = hdr->session;
	session->start_ns = hdr->time_ns;
	session->next_seq = 1;
	HASH_ADD(hh, model->sessions, id, sizeof(session->id), session);
	if (!session->hh.tbl) {
		free(session);
		return NULL;
	}
	drop_older_events(model, session->id);
	return session;
}

static int keep_event(struct model *model, struct session *session, const struct event *event)
{
	struct event *kept = session->kept;

	if (model->keep == KEEP_NONE ||
	    (model->keep == KEEP_NEWEST && session->id != model->newest))
		return 0;
	if ((session->n_kept & (session->n_kept - 1)) == 0) {
		size_t n = session->n_kept ? 2 * session->n_kept : 1;

		kept = reallocarray(kept, n, sizeof(*kept));
		if (!kept)
			return -ENOMEM;
		session->kept = kept;
	}
	if (stream_copy(event, &kept[session->n_kept]))
		return -ENOMEM;
	session->n_kept++;
	return 0;
}

static struct process *add_process(struct session *session, uint32_t pid, uint64_t seq)
{
	struct process *process = calloc(1, sizeof(*process));

	if (!process)
		return NULL;
	process->session = session;
	process->pid = pid;
	process->seq = seq;
	process->index = session->n_processes;
	HASH_ADD(hh, session->live, pid, sizeof(process->pid), process);
	if (!process->hh.tbl) {
		free(process);
		return NULL;
	}
	if (session->last_process)
		session->last_process->next = process;
	else
		session->processes = process;
	session->last_process = process;
	session->n_processes++;
	return process;
}

static void end_process(struct session *session, struct process *process, uint64_t time_ns)
{
	HASH_DEL(session->live, process);
	/* A capture may say any time; 0 would be that of a process that lives. */
	process->end_ns = time_ns ?: 1;
}

void model_end_lost(const struct model *model, struct process *process)
{
	end_process(process->session, process, model->now_ns);
}

/* The process that a record is about; one that was never seen before begins here. */
static struct process *touch_process(struct session *session, const struct sshobs_hdr *hdr)
{
	struct process *process = model_find_process(session, hdr->pid);

	if (!process)
		process = add_process(session, hdr->pid, hdr->seq);
	if (!process)
		return NULL;
	copy_comm(process->comm, hdr);
	process->last_ns = hdr->time_ns;
	if (hdr->cpu_ns > process->cpu_ns)
		process->cpu_ns = hdr->cpu_ns;
	return process;
}

static int fold_accept(struct session *session, const struct event *event)
{
	const struct sshobs_hdr *hdr = event->hdr;

	session->born = true;
	session->adopted = hdr->type == SSHOBS_ADOPT;
	session->endpoints.peer = event->accept->peer;
	session->endpoints.local = event->accept->local;
	session->cookie = event->accept->cookie;
	session->backlog = event->accept->backlog;
	session->queue_ns = event->accept->queue_ns;
	session->start_ns = session->adopted ? event->accept->start_ns : hdr->time_ns;
	if (hdr->pid && !session->adopted) {
		session->acceptor_pid = hdr->pid;
		copy_comm(session->acceptor_comm, hdr);
	}
	return 0;
}

static int fold_established(struct session *session, const struct event *event)
{
	session->handshake = true;
	session->established = *event->established;
	limits_from_event(session, event);
	return 0;
}

/* A parent that is no member is the task that accepted. It was there before its child. */
static void link_parent(struct session *session, struct process *child, struct process *parent,
			const struct event *event)
{
	child->parent = parent;
	child->ppid = event->hdr->pid;
	if (parent && (event->clone->flags & CLONE_PARENT)) {
		child->parent = parent->parent;
		child->ppid = parent->ppid;
	}
	if (child->parent)
		child->depth = child->parent->depth + 1;
	if (parent) {
		child->uid = parent->uid;
		child->uid_known = parent->uid_known;
		memcpy(child->tty, parent->tty, sizeof(child->tty));
	} else if (!session->acceptor_pid) {
		session->acceptor_pid = event->hdr->pid;
		copy_comm(session->acceptor_comm, event->hdr);
	}
}

static int fold_clone(struct session *session, const struct event *event)
{
	const struct sshobs_hdr *hdr = event->hdr;
	struct process *parent = model_find_process(session, hdr->pid);
	struct process *child;

	if (!parent && hdr->pid != session->acceptor_pid && session->missing)
		parent = touch_process(session, hdr);
	if (parent)
		touch_process(session, hdr);
	if (event->clone->flags & CLONE_THREAD) {
		if (parent)
			parent->threads++;
		return 0;
	}
	user_from_activity(session, hdr->pid);
	/* Its exit was lost: the pid is in use again. */
	child = model_find_process(session, event->clone->child);
	if (child)
		end_process(session, child, hdr->time_ns);
	child = add_process(session, event->clone->child, hdr->seq);
	if (!child)
		return -ENOMEM;
	copy_comm(child->comm, hdr);
	child->start_ns = event->clone->start_ns;
	child->last_ns = hdr->time_ns;
	child->adopted = event->clone->how & SSHOBS_CLONE_ADOPTED;
	child->vforked = event->clone->flags & CLONE_VFORK;
	child->late = event->clone->how & SSHOBS_CLONE_LATE;
	link_parent(session, child, parent, event);
	child->role = role_after_clone(session, child, event->clone->flags);
	evidence_from_clone(session, child);
	return 0;
}

static unsigned char *copy_bytes(const unsigned char *from, size_t len)
{
	unsigned char *to = malloc(len + 1);

	if (to) {
		memcpy(to, from, len);
		to[len] = '\0';
	}
	return to;
}

static int fill_program(struct program *program, const struct event *event)
{
	const struct sshobs_exec *exec = event->exec;

	memset(program, 0, sizeof(*program));
	program->path = copy_bytes(event->data, exec->path_len);
	program->argv = copy_bytes(event->data + exec->path_len, exec->argv_len);
	if (!program->path || !program->argv) {
		free(program->path);
		free(program->argv);
		return -ENOMEM;
	}
	program->time_ns = event->hdr->time_ns;
	program->path_len = exec->path_len;
	program->path_total = exec->path_total;
	program->argv_len = exec->argv_len;
	program->argv_total = exec->argv_total;
	memcpy(program->tty, exec->tty, SSHOBS_TTY_LEN);
	program->uid = exec->uid;
	program->flags = exec->flags;
	return 0;
}

static int fold_exec(struct session *session, const struct event *event)
{
	struct process *process = touch_process(session, event->hdr);
	const struct sshobs_exec *exec = event->exec;
	struct program *execs;
	enum role before;

	if (!process)
		return -ENOMEM;
	before = process->role;
	execs = reallocarray(process->execs, process->n_execs + 1, sizeof(*execs));
	if (!execs)
		return -ENOMEM;
	process->execs = execs;
	if (fill_program(&execs[process->n_execs], event))
		return -ENOMEM;
	process->n_execs++;
	process->role = role_after_exec(session, process);
	process->uid = exec->uid;
	process->uid_known = true;
	memcpy(process->tty, exec->tty, SSHOBS_TTY_LEN);
	if (exec->flags & SSHOBS_EXEC_ADOPTED)
		process->adopted = true;
	session->n_execs++;
	session->cuts += exec->path_len < exec->path_total || exec->argv_len < exec->argv_total ||
			 (exec->flags & SSHOBS_EXEC_ARGV_UNREAD);
	user_from_exec(session, event);
	return evidence_from_exec(session, process, before);
}

static int fold_exec_fail(struct session *session, const struct event *event)
{
	struct process *process = touch_process(session, event->hdr);

	if (!process)
		return -ENOMEM;
	process->exec_fails++;
	session->exec_fails++;
	if (event->exec_fail->error == ENOENT) {
		process->misses++;
		session->misses++;
	}
	limits_from_event(session, event);
	return evidence_from_exec_fail(session, process, event);
}

static int fold_clone_fail(struct session *session, const struct event *event)
{
	struct process *process;

	session->clone_fails++;
	limits_from_event(session, event);
	/* The task that accepted may be the one that could not fork. */
	if (event->hdr->pid == session->acceptor_pid)
		return 0;
	process = touch_process(session, event->hdr);
	if (!process)
		return -ENOMEM;
	process->clone_fails++;
	return evidence_from_clone_fail(session, process);
}

static int fold_cred(struct session *session, const struct event *event)
{
	struct process *process = touch_process(session, event->hdr);

	if (!process)
		return -ENOMEM;
	process->uid = event->cred->after.uid;
	process->uid_known = true;
	user_from_cred(session, event);
	return 0;
}

static int fold_pty(struct session *session, const struct event *event)
{
	session->ptys++;
	return touch_process(session, event->hdr) ? 0 : -ENOMEM;
}

static int fold_pty_fail(struct session *session, const struct event *event)
{
	limits_from_event(session, event);
	return touch_process(session, event->hdr) ? 0 : -ENOMEM;
}

static int fold_prompt(struct session *session, const struct event *event)
{
	if (!session->prompts++) {
		session->prompt_ns = event->hdr->time_ns;
		session->prompt_pid = event->hdr->pid;
		session->prompt_pts = event->pty->pts;
	}
	return touch_process(session, event->hdr) ? 0 : -ENOMEM;
}

static int fold_exit(struct session *session, const struct event *event)
{
	struct process *process = model_find_process(session, event->hdr->pid);
	const struct sshobs_exit *exit = event->exit;
	int err;

	limits_from_exit(session, process, event);
	process = touch_process(session, event->hdr);
	if (!process)
		return -ENOMEM;
	process->code = exit->code;
	process->signal = exit->signal;
	process->cpu_ns = exit->utime_ns + exit->stime_ns;
	process->maxrss_kb = exit->maxrss_kb;
	end_process(session, process, event->hdr->time_ns);
	err = evidence_from_exit(session, process);
	user_from_exit(session, event);
	return err;
}

/* The task that accepted reads, logs and connects too, and is no member. */
static struct process *touch_member(struct session *session, const struct sshobs_hdr *hdr)
{
	if (hdr->pid == session->acceptor_pid)
		return NULL;
	return touch_process(session, hdr);
}

static int fold_wire(struct session *session, const struct event *event)
{
	if (event->hdr->pid)
		touch_member(session, event->hdr);
	if (event->wire->flags & SSHOBS_WIRE_CUT)
		session->incomplete |= SSHOBS_INCOMPLETE_WIRE;
	return negotiation_fold(&session->negotiation, event);
}

static int fold_log(struct session *session, const struct event *event)
{
	const struct process *process = touch_member(session, event->hdr);
	int err = 0;

	session->log_cuts += event->log->text_len < event->log->text_total;
	if (process && process->role == ROLE_OWN_CODE)
		err = limits_from_log(session, event);
	return process && !err ? evidence_from_log(session, process, event) : err;
}

static struct session *newest_session(const struct model *model)
{
	const struct UT_hash_table *table = model->sessions ? model->sessions->hh.tbl : NULL;

	return table ? ELMT_FROM_HH(table, table->tail) : NULL;
}

/*
 * What the task that accepted logs belongs to no session. Where it names the peer of the
 * connection that it was given last, it says what became of that.
 */
static int fold_server_log(struct model *model, const struct event *event)
{
	struct session *session = newest_session(model);

	while (session && session->acceptor_pid != event->hdr->pid)
		session = session->hh.prev;
	if (!session || session->ended || !evidence_names_peer(session, event))
		return 0;
	return limits_from_log(session, event) ?: evidence_from_server(session, event);
}

/* How a TCP connect ended may be told when the process that began it is gone. */
static int fold_connect(struct session *session, const struct event *event)
{
	const struct sshobs_connect *connect = event->connect;

	if (connect->protocol != IPPROTO_TCP || connect->flags & SSHOBS_CONNECT_BEGUN ||
	    model_find_process(session, event->hdr->pid))
		touch_member(session, event->hdr);
	return 0;
}

static int fold_close(struct session *session, const struct event *event)
{
	session->closed = true;
	session->milestones.closed_ns = event->hdr->time_ns;
	session->close = *event->close;
	if (!session->born) {
		session->endpoints.peer = event->close->peer;
		session->endpoints.local = event->close->local;
	}
	session->state = SESSION_CLOSED;
	return 0;
}

static int fold_end(struct session *session, const struct event *event)
{
	struct process *process, *next;

	session->ended = true;
	session->end = *event->end;
	session->end_ns = event->hdr->time_ns;
	session->incomplete |= event->end->incomplete;
	session->state = event->end->flags & SSHOBS_END_REFUSED ? SESSION_REFUSED : SESSION_ENDED;
	if (!session->born && session->end_ns > event->end->duration_ns)
		session->start_ns = session->end_ns - event->end->duration_ns;
	/* Those whose exit was lost. */
	HASH_ITER(hh, session->live, process, next)
		end_process(session, process, session->end_ns);
	return 0;
}

/* One fold for each event that belongs to a session. */
static int (*const folds[])(struct session *session, const struct event *event) = {
	[SSHOBS_ACCEPT] = fold_accept,
	[SSHOBS_CLONE] = fold_clone,
	[SSHOBS_CLONE_FAIL] = fold_clone_fail,
	[SSHOBS_EXEC] = fold_exec,
	[SSHOBS_EXEC_FAIL] = fold_exec_fail,
	[SSHOBS_CRED] = fold_cred,
	[SSHOBS_PTY] = fold_pty,
	[SSHOBS_PROMPT] = fold_prompt,
	[SSHOBS_EXIT] = fold_exit,
	[SSHOBS_CLOSE] = fold_close,
	[SSHOBS_END] = fold_end,
	[SSHOBS_ADOPT] = fold_accept,
	[SSHOBS_ESTABLISHED] = fold_established,
	[SSHOBS_WIRE] = fold_wire,
	[SSHOBS_LOG] = fold_log,
	[SSHOBS_CONNECT] = fold_connect,
	[SSHOBS_PTY_FAIL] = fold_pty_fail,
};

#define N_FOLDS (sizeof(folds) / sizeof(folds[0]))

static void fold_lost(struct model *model, const struct event *event)
{
	model->lost += event->lost->count;
	model->last_lost_seq = event->hdr->seq + event->lost->count - 1;
}

static void count_record(struct session *session, const struct sshobs_hdr *hdr)
{
	session->records++;
	session->last_ns = hdr->time_ns;
	session->last_seq = hdr->seq;
	if (hdr->session_seq > session->next_seq)
		session->missing += hdr->session_seq - session->next_seq;
	session->next_seq = hdr->session_seq + 1;
}

int model_fold(struct model *model, const struct event *event, struct session **out)
{
	const struct sshobs_hdr *hdr = event->hdr;
	struct session *session = NULL;
	int err = 0;

	if (hdr->time_ns > model->now_ns)
		model->now_ns = hdr->time_ns;
	if (hdr->type == SSHOBS_LOST)
		fold_lost(model, event);
	if (hdr->type == SSHOBS_LOG && !hdr->session)
		err = fold_server_log(model, event);
	if (hdr->session) {
		session = model_find(model, hdr->session);
		if (!session)
			session = add_session(model, hdr);
		if (!session)
			return -ENOMEM;
		count_record(session, hdr);
		err = keep_event(model, session, event);
	}
	if (session && !err && hdr->type < N_FOLDS && folds[hdr->type])
		err = folds[hdr->type](session, event);
	if (session && session->ended && model->forget)
		drop_processes(session);
	if (out)
		*out = session;
	return err;
}
