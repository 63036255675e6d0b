/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kept events of a session once more, one after the other: who is alive at a
 * moment, whose child, and what each process did last and will do next. Pure.
 */
#ifndef _SSHOBS_REPLAY_H
#define _SSHOBS_REPLAY_H

#include "model.h"

/* No such event. */
#define NO_EVENT SIZE_MAX

/**
 * struct usage - how a process spent its time; the rest it waited, asleep
 * @cpu_ns: on a processor
 * @delay_ns: ready to run, and no processor took it
 */
struct usage {
	uint64_t cpu_ns;
	uint64_t delay_ns;
};

/**
 * struct actor - a process while the events are replayed
 * @process: the process; NULL: the task that accepted
 * @born: it has appeared
 * @alive: and it has not ended
 * @first: index in session->kept of its first event; NO_EVENT: none
 * @exit: that of its exit; NO_EVENT: it was not seen
 * @last: that of its newest event; NO_EVENT: none until now
 * @next: that of its next event; NO_EVENT: none to come
 * @used: what its threads have used, while the events are gone through first
 * @children: its children that are alive
 * @younger: next one in the list of its parent's children
 * @older: the one before; NULL: none
 * @hh: by pid, while the events are gone through first
 */
struct actor {
	const struct process *process;
	bool born;
	bool alive;
	size_t first;
	size_t exit;
	size_t last;
	size_t next;
	struct usage used;
	struct actor *children;
	struct actor *younger;
	struct actor *older;
	UT_hash_handle hh;
};

/**
 * struct moment - what is known of one kept event
 * @actor: the process that it happened in; NULL: none
 * @previous: index of the event of that process before it; NO_EVENT: none
 * @next: index of the one after it; NO_EVENT: none
 * @used: what the process had used by then; of one that was not seen to begin, since
 *	its first event
 */
struct moment {
	struct actor *actor;
	size_t previous;
	size_t next;
	struct usage used;
};

/**
 * struct replay - the events of a session, gone through up to a moment
 * @session: the session
 * @actors: by process->index; one more at the end, for the task that accepted
 * @n_actors: how many, with that one
 * @moments: for each of session->kept
 * @roots: those alive that no process of the session made
 * @at: index of the first event that is to come
 * @newest: index of the newest event of the server's processes; NO_EVENT: none
 * @unborn: first process that has not appeared
 */
struct replay {
	const struct session *session;
	struct actor *actors;
	size_t n_actors;
	struct moment *moments;
	struct actor *roots;
	size_t at;
	size_t newest;
	const struct process *unborn;
};

/**
 * replay_init() - prepare a replay, which stands before the first event
 * @replay: out: replay_free() it, whatever this returns
 * @session: the session, with its events kept
 *
 * Return: 0 or -ENOMEM.
 */
int replay_init(struct replay *replay, const struct session *session);

/** replay_free() - free what replay_init() made */
void replay_free(struct replay *replay);

/** replay_until() - go past all events up to and with a moment; it never goes back */
void replay_until(struct replay *replay, uint64_t time_ns);

/** replay_actor() - the actor of a process; for NULL, the task that accepted */
struct actor *replay_actor(const struct replay *replay, const struct process *process);

/**
 * replay_usage() - what a process used between two of its events
 * @replay: the replay
 * @from: index of the earlier event; NO_EVENT: since its birth
 * @to: index of the later one
 */
struct usage replay_usage(const struct replay *replay, size_t from, size_t to);

/** replay_time() - CLOCK_MONOTONIC time of an event, by its index; NO_EVENT is the last one's */
uint64_t replay_time(const struct replay *replay, size_t event);

/** actor_is_server() - whether it is one of the server's own, see struct process */
bool actor_is_server(const struct actor *actor);

#endif /* _SSHOBS_REPLAY_H */
