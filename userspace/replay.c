// SPDX-License-Identifier: GPL-2.0
#include <errno.h>
#include <linux/sched.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1
#include "replay.h"

#include <utlist.h>

/* What a thread had used at its newest event. */
struct thread {
	uint32_t tid;
	struct usage used;
	UT_hash_handle hh;
};

/* What the first pass over the events knows. */
struct pass {
	struct replay *replay;
	const struct process *unborn;
	struct actor *by_pid;
	struct thread *threads;
};

struct actor *replay_actor(const struct replay *replay, const struct process *process)
{
	return &replay->actors[process ? process->index : replay->n_actors - 1];
}

bool actor_is_server(const struct actor *actor)
{
	return !actor->process || actor->process->role != ROLE_PROGRAM;
}

struct usage replay_usage(const struct replay *replay, size_t from, size_t to)
{
	struct usage used = replay->moments[to].used;

	if (from != NO_EVENT) {
		used.cpu_ns -= replay->moments[from].used.cpu_ns;
		used.delay_ns -= replay->moments[from].used.delay_ns;
	}
	return used;
}

uint64_t replay_time(const struct replay *replay, size_t event)
{
	const struct session *session = replay->session;

	if (event == NO_EVENT)
		event = session->n_kept - 1;
	return session->kept[event].hdr->time_ns;
}

static const struct usage nothing;

/* Note what a thread has used; @before is what it had, or NULL if it was not known. */
static int set_thread(struct pass *pass, uint32_t tid, const struct usage *used,
		      struct usage *before)
{
	struct thread *thread;

	HASH_FIND(hh, pass->threads, &tid, sizeof(tid), thread);
	if (!thread) {
		thread = calloc(1, sizeof(*thread));
		if (!thread)
			return -ENOMEM;
		thread->tid = tid;
		thread->used = *used;
		HASH_ADD(hh, pass->threads, tid, sizeof(thread->tid), thread);
		if (!thread->hh.tbl) {
			free(thread);
			return -ENOMEM;
		}
	}
	*before = thread->used;
	thread->used = *used;
	return 0;
}

/* A process appears: its pid is its own from now on, and its clock stands at zero. */
static int bear(struct pass *pass, const struct process *process)
{
	struct actor *actor = replay_actor(pass->replay, process);
	struct actor *older;
	struct usage unused;

	HASH_FIND(hh, pass->by_pid, &process->pid, sizeof(process->pid), older);
	if (older)
		HASH_DEL(pass->by_pid, older);
	HASH_ADD_KEYPTR(hh, pass->by_pid, &process->pid, sizeof(process->pid), actor);
	if (!actor->hh.tbl)
		return -ENOMEM;
	/* Of one whose birth was not seen, it is not known what it had consumed. */
	if (process->start_ns && !process->adopted)
		return set_thread(pass, process->pid, &nothing, &unused);
	return 0;
}

static int bear_until(struct pass *pass, uint64_t seq)
{
	int err = 0;

	for (; pass->unborn && pass->unborn->seq <= seq && !err; pass->unborn = pass->unborn->next)
		err = bear(pass, pass->unborn);
	return err;
}

static struct actor *find_actor(struct pass *pass, uint32_t pid)
{
	const struct session *session = pass->replay->session;
	struct actor *actor;

	HASH_FIND(hh, pass->by_pid, &pid, sizeof(pid), actor);
	if (!actor && pid && pid == session->acceptor_pid)
		actor = replay_actor(pass->replay, NULL);
	return actor;
}

static void add_usage(struct usage *sum, const struct usage *now, const struct usage *before)
{
	if (now->cpu_ns > before->cpu_ns)
		sum->cpu_ns += now->cpu_ns - before->cpu_ns;
	if (now->delay_ns > before->delay_ns)
		sum->delay_ns += now->delay_ns - before->delay_ns;
}

static int count_usage(struct pass *pass, struct actor *actor, const struct event *event)
{
	const struct sshobs_hdr *hdr = event->hdr;
	struct usage now = { hdr->cpu_ns, event_run_delay(event) }, before;
	uint64_t total;

	if (set_thread(pass, hdr->tid, &now, &before))
		return -ENOMEM;
	add_usage(&actor->used, &now, &before);
	/* Told elsewhere while it ran, and not of its newest time: that is not used twice. */
	if (now.cpu_ns < before.cpu_ns && hdr->type == SSHOBS_CONNECT &&
	    set_thread(pass, hdr->tid, &before, &now))
		return -ENOMEM;
	if (hdr->type == SSHOBS_CLONE && (event->clone->flags & CLONE_THREAD))
		return set_thread(pass, event->clone->child, &nothing, &before);
	if (hdr->type != SSHOBS_EXIT || !actor->process || !actor->process->start_ns)
		return 0;
	/* Threads that never had an event of their own computed too. */
	total = event->exit->utime_ns + event->exit->stime_ns;
	if (total > actor->used.cpu_ns)
		actor->used.cpu_ns = total;
	return 0;
}

static int pass_event(struct pass *pass, size_t i)
{
	const struct event *event = &pass->replay->session->kept[i];
	struct moment *moment = &pass->replay->moments[i];
	struct actor *actor;

	moment->previous = NO_EVENT;
	moment->next = NO_EVENT;
	if (bear_until(pass, event->hdr->seq))
		return -ENOMEM;
	actor = event_is_reading(event) ? NULL : find_actor(pass, event->hdr->pid);
	moment->actor = actor;
	if (!actor)
		return 0;
	if (actor->last == NO_EVENT)
		actor->first = i;
	else
		pass->replay->moments[actor->last].next = i;
	moment->previous = actor->last;
	actor->last = i;
	if (event->hdr->type == SSHOBS_EXIT)
		actor->exit = i;
	if (count_usage(pass, actor, event))
		return -ENOMEM;
	moment->used = actor->used;
	return 0;
}

static int first_pass(struct replay *replay)
{
	struct pass pass = { .replay = replay, .unborn = replay->session->processes };
	struct thread *thread, *next;
	size_t i;
	int err = 0;

	for (i = 0; i < replay->session->n_kept && !err; i++)
		err = pass_event(&pass, i);
	HASH_CLEAR(hh, pass.by_pid);
	thread = pass.threads;
	HASH_CLEAR(hh, pass.threads);
	for (; thread; thread = next) {
		next = thread->hh.next;
		free(thread);
	}
	return err;
}

int replay_init(struct replay *replay, const struct session *session)
{
	const struct process *process;
	size_t i;
	int err;

	memset(replay, 0, sizeof(*replay));
	replay->session = session;
	replay->unborn = session->processes;
	replay->newest = NO_EVENT;
	replay->n_actors = (size_t)session->n_processes + 1;
	replay->actors = calloc(replay->n_actors, sizeof(*replay->actors));
	replay->moments = calloc(session->n_kept + 1, sizeof(*replay->moments));
	if (!replay->actors || !replay->moments)
		return -ENOMEM;
	for (i = 0; i < replay->n_actors; i++) {
		replay->actors[i].exit = NO_EVENT;
		replay->actors[i].first = NO_EVENT;
		replay->actors[i].last = NO_EVENT;
	}
	for (process = session->processes; process; process = process->next)
		replay_actor(replay, process)->process = process;
	err = first_pass(replay);
	for (i = 0; i < replay->n_actors; i++) {
		replay->actors[i].next = replay->actors[i].first;
		replay->actors[i].last = NO_EVENT;
	}
	return err;
}

void replay_free(struct replay *replay)
{
	free(replay->actors);
	free(replay->moments);
}

static struct actor **siblings(struct replay *replay, const struct process *process)
{
	if (!process->parent)
		return &replay->roots;
	return &replay_actor(replay, process->parent)->children;
}

static void appear(struct replay *replay, const struct process *process)
{
	struct actor *actor = replay_actor(replay, process);
	struct actor **head = siblings(replay, process);

	actor->born = true;
	actor->alive = true;
	DL_APPEND2(*head, actor, older, younger);
}

static void vanish(struct replay *replay, struct actor *actor)
{
	struct actor **head = siblings(replay, actor->process);

	actor->alive = false;
	DL_DELETE2(*head, actor, older, younger);
}

static void go_past(struct replay *replay, size_t i)
{
	const struct event *event = &replay->session->kept[i];
	const struct moment *moment = &replay->moments[i];
	struct actor *actor = moment->actor;

	for (; replay->unborn && replay->unborn->seq <= event->hdr->seq;
	     replay->unborn = replay->unborn->next)
		appear(replay, replay->unborn);
	if (!actor)
		return;
	actor->last = i;
	actor->next = moment->next;
	if (actor_is_server(actor))
		replay->newest = i;
	if (event->hdr->type == SSHOBS_EXIT && actor->process && actor->alive)
		vanish(replay, actor);
}

void replay_until(struct replay *replay, uint64_t time_ns)
{
	const struct session *session = replay->session;

	for (; replay->at < session->n_kept; replay->at++) {
		if (session->kept[replay->at].hdr->time_ns > time_ns)
			break;
		go_past(replay, replay->at);
	}
}
