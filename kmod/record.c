// SPDX-License-Identifier: GPL-2.0
#include <linux/kernel.h>
#include <linux/minmax.h>
#include <linux/sched.h>
#include <linux/sched/clock.h>
#include <linux/string.h>

#include "record.h"
#include "ring.h"
#include "session.h"

/*
 * CPU time of a thread. The scheduler brings sum_exec_runtime up to date at each
 * tick and switch only, and the functions that do it at once are not exported. For
 * the thread that runs here, what it used since then is bounded by two clocks: by
 * the time since that update, and by the time since it was switched in. The first
 * counts interrupts too where the kernel accounts for them apart, the second
 * what a change of scheduling group counted already; the lower one is right in
 * all but the case where both happened at once.
 */
static u64 record_cpu_ns(struct task_struct *task)
{
	const struct sched_entity *se = &task->se;
	u64 sum = READ_ONCE(se->sum_exec_runtime);
	u64 now, since_update;

	if (task != current)
		return sum;
	now = sched_clock_cpu(raw_smp_processor_id());
	since_update = sum + now - se->exec_start;
#ifdef CONFIG_SCHED_INFO
	since_update = min(since_update, se->prev_sum_exec_runtime + now -
					 task->sched_info.last_arrival);
#endif
	/* Clocks of two CPUs may differ a little: never less than what is known. */
	return (s64)(since_update - sum) > 0 ? since_update : sum;
}

/* A thread that runs has been given its processor: its waiting for one is all counted. */
static u64 record_run_delay_ns(const struct task_struct *task)
{
#ifdef CONFIG_SCHED_INFO
	return READ_ONCE(task->sched_info.run_delay);
#else
	return 0;
#endif
}

static void record_task(struct sshobs_hdr *hdr, struct task_struct *task)
{
	memset(hdr->comm, 0, sizeof(hdr->comm));
	hdr->pid = task ? task->tgid : 0;
	hdr->tid = task ? task->pid : 0;
	hdr->cpu_ns = task ? record_cpu_ns(task) : 0;
	hdr->run_delay_ns = task ? record_run_delay_ns(task) : 0;
	if (task)
		strscpy(hdr->comm, task->comm, sizeof(hdr->comm));
}

void *sshobs_record_begin(struct sshobs_session *session, struct task_struct *task,
			  enum sshobs_type type, size_t size)
{
	size_t len = ALIGN(sizeof(struct sshobs_hdr) + size, 8);
	struct sshobs_hdr *hdr;

	hdr = sshobs_ring_reserve(len, session ? &session->records : NULL);
	if (!hdr) {
		if (session)
			sshobs_session_mark(session, SSHOBS_INCOMPLETE_DROPPED);
		return NULL;
	}
	hdr->hdr_len = sizeof(*hdr);
	hdr->type = type;
	hdr->session = session ? session->id : 0;
	record_task(hdr, task);
	memset(hdr + 1, 0, len - sizeof(*hdr));
	return hdr + 1;
}

void sshobs_record_end(void *body)
{
	sshobs_ring_commit((struct sshobs_hdr *)body - 1);
}
