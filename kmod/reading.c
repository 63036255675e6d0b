// SPDX-License-Identifier: GPL-2.0
#include <linux/atomic.h>
#include <linux/cred.h>
#include <linux/kernel.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/rcupdate.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/timekeeping.h>
#include <linux/workqueue.h>

#include "process.h"
#include "reading.h"
#include "record.h"
#include "session.h"

/* Readings that are under way, and how many of one session. */
#define ASKED_MAX	1024
#define ASKED_SESSION	4

/**
 * struct sshobs_asked - one prompt
 * @work: in the queue
 * @session: the session, held
 * @prompt_ns: when it was, CLOCK_MONOTONIC
 * @pts: its terminal
 * @count: processes in @tasks
 * @tasks: the session's processes, referenced
 */
struct sshobs_asked {
	struct work_struct	work;
	struct sshobs_session	*session;
	u64			prompt_ns;
	u32			pts;
	unsigned int		count;
	struct task_struct	*tasks[SSHOBS_READINGS_MAX];
};

static struct workqueue_struct *queue;
static struct kmem_cache *cache;
static atomic_t asked_count;

/* Return false where there are more than there is room for. */
static bool find_members(struct sshobs_asked *asked)
{
	struct task_struct *task;
	bool room = true;

	rcu_read_lock();
	for_each_process(task) {
		if (sshobs_task_session(sshobs_task_find(task)) != asked->session)
			continue;
		room = asked->count < SSHOBS_READINGS_MAX;
		if (!room)
			break;
		get_task_struct(task);
		asked->tasks[asked->count++] = task;
	}
	rcu_read_unlock();
	return room;
}

static void read_memory(struct sshobs_reading *reading, struct task_struct *task)
{
	task_lock(task);
	if (task->mm) {
		reading->rss_kb = sshobs_kib(get_mm_rss(task->mm));
		reading->vm_kb = sshobs_kib(task->mm->total_vm);
	}
	task_unlock(task);
}

static void read_process(struct sshobs_reading *reading, struct task_struct *task)
{
	const struct cred *cred = get_task_cred(task);
	struct sshobs_limit limit;

	sshobs_process_ids(&reading->ids, cred);
	put_cred(cred);
	read_memory(reading, task);
	sshobs_process_limit(&limit, task, RLIMIT_NOFILE);
	reading->fds = sshobs_process_fds(task);
	reading->fds_soft = limit.soft;
	reading->fds_hard = limit.hard;
	reading->threads = task->signal->nr_threads;
	reading->state = task_state_to_char(task);
}

static void tell_process(struct sshobs_asked *asked, struct task_struct *task, u32 flags)
{
	struct sshobs_reading reading = {
		.prompt_ns = asked->prompt_ns,
		.pts = asked->pts,
		.flags = flags,
	};
	struct sshobs_reading *rec;

	read_process(&reading, task);
	preempt_disable();
	rec = sshobs_record_begin(asked->session, task, SSHOBS_READING, sizeof(*rec));
	if (rec) {
		*rec = reading;
		sshobs_record_end(rec);
	}
	preempt_enable();
}

/* Count one more, of the session and of all, up to the bounds. */
static bool count_in(struct sshobs_session *session)
{
	if (!sshobs_count_in(&session->asked, ASKED_SESSION))
		return false;
	if (sshobs_count_in(&asked_count, ASKED_MAX))
		return true;
	atomic_dec(&session->asked);
	return false;
}

static void count_out(struct sshobs_session *session)
{
	atomic_dec(&asked_count);
	atomic_dec(&session->asked);
}

static void read_session(struct work_struct *work)
{
	struct sshobs_asked *asked = container_of(work, struct sshobs_asked, work);
	u32 last = SSHOBS_READING_LAST;
	unsigned int i;

	if (!find_members(asked))
		last |= SSHOBS_READING_CUT;
	for (i = 0; i < asked->count; i++) {
		tell_process(asked, asked->tasks[i], i + 1 == asked->count ? last : 0);
		put_task_struct(asked->tasks[i]);
		cond_resched();
	}
	count_out(asked->session);
	preempt_disable();
	sshobs_session_put(asked->session);
	preempt_enable();
	kmem_cache_free(cache, asked);
}

static struct sshobs_asked *asked_new(struct sshobs_session *session, u32 pts)
{
	struct sshobs_asked *asked;

	if (!count_in(session))
		return NULL;
	asked = kmem_cache_zalloc(cache, GFP_NOWAIT | __GFP_NOWARN);
	if (!asked)
		goto count_out;
	INIT_WORK(&asked->work, read_session);
	asked->session = session;
	asked->prompt_ns = ktime_get_ns();
	asked->pts = pts;
	return asked;

count_out:
	count_out(session);
	return NULL;
}

void sshobs_reading_ask(struct sshobs_session *session, u32 pts)
{
	struct sshobs_asked *asked = asked_new(session, pts);

	if (!asked) {
		sshobs_session_mark(session, SSHOBS_INCOMPLETE_READING);
		return;
	}
	/* Current is a member, so it holds the session. */
	sshobs_session_hold(session);
	queue_work(queue, &asked->work);
}

int sshobs_reading_init(void)
{
	cache = KMEM_CACHE(sshobs_asked, 0);
	if (!cache)
		return -ENOMEM;
	queue = alloc_workqueue(KBUILD_MODNAME, WQ_UNBOUND, 0);
	if (!queue)
		goto destroy_cache;
	return 0;

destroy_cache:
	kmem_cache_destroy(cache);
	return -ENOMEM;
}

void sshobs_reading_exit(void)
{
	destroy_workqueue(queue);
	kmem_cache_destroy(cache);
}
