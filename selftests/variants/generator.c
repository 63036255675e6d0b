// SPDX-License-Identifier: GPL-2.0
/*
 * Two more parameters of the module, for selftests/generated.c:
 *
 *	generate=N	have N marks written, as fast as the machine can, by tasks on all processors
 *			and by interrupts that come in the middle of their records; returns when they
 *			are all written
 *	hold=1		begin a record on the last processor, and do not end it before hold=0, or for
 *			10 seconds; generate leaves that processor alone meanwhile
 *
 * They take the way of every other record. What is in a mark follows from its numbers, word by
 * word, so that a reader sees a torn one.
 */
#include <linux/completion.h>
#include <linux/cpumask.h>
#include <linux/err.h>
#include <linux/irq_work.h>
#include <linux/jiffies.h>
#include <linux/kernel.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/preempt.h>
#include <linux/sched.h>

#include "../../kmod/record.h"
#include "generator.h"

#define WRITERS_MAX	(SSHOBS_GENERATORS_MAX / 2)
#define WRITERS_PER_CPU	2
/* Of so many records of a task, one is interrupted by another. */
#define INTERRUPTED	16

/**
 * struct writer - a task that writes, and its interrupt
 * @task: the task
 * @interrupt: writes one record
 * @id: the task's number; that of its interrupt is the next one
 * @left: records that are still to be written by the two
 * @numbers: of the newest record of each, since the load
 */
struct writer {
	struct task_struct	*task;
	struct irq_work		interrupt;
	u32			id;
	unsigned long		left;
	u64			numbers[2];
};

static struct writer writers[WRITERS_MAX];
static unsigned int writers_count;
static atomic_t writers_busy;
static DECLARE_COMPLETION(writers_done);
static bool interrupted;

static struct task_struct *holder;
static DECLARE_COMPLETION(held);

static struct sshobs_mark *mark_begin(u32 writer, u64 number)
{
	u32 words = sshobs_generated_words(writer, number), i;
	struct sshobs_generated *generated;
	struct sshobs_mark *rec;

	rec = sshobs_record_begin(NULL, current, SSHOBS_MARK,
				  sizeof(*rec) + sizeof(*generated) + words * sizeof(u64));
	if (!rec)
		return NULL;
	generated = (void *)rec->text;
	rec->text_len = sizeof(*generated) + words * sizeof(u64);
	generated->writer = writer;
	generated->words = words;
	generated->number = number;
	for (i = 0; i < words; i++)
		generated->word[i] = sshobs_generated_word(writer, number, i);
	return rec;
}

static void mark_end(struct sshobs_mark *rec)
{
	if (rec)
		sshobs_record_end(rec);
}

static void writer_interrupt(struct irq_work *work)
{
	struct writer *writer = container_of(work, struct writer, interrupt);

	mark_end(mark_begin(writer->id + 1, ++writer->numbers[1]));
}

static void writer_write(struct writer *writer)
{
	struct sshobs_mark *rec;

	preempt_disable();
	rec = mark_begin(writer->id, ++writer->numbers[0]);
	writer->left--;
	if (writer->left && writer->numbers[0] % INTERRUPTED == 0 &&
	    irq_work_queue(&writer->interrupt))
		writer->left--;
	mark_end(rec);
	preempt_enable();
}

static int writer_run(void *data)
{
	struct writer *writer = data;

	while (writer->left && !READ_ONCE(interrupted)) {
		writer_write(writer);
		cond_resched();
	}
	irq_work_sync(&writer->interrupt);
	if (atomic_dec_and_test(&writers_busy))
		complete(&writers_done);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int writer_start(struct writer *writer, unsigned int cpu)
{
	struct task_struct *task;

	writer->id = 2 * (writer - writers);
	init_irq_work(&writer->interrupt, writer_interrupt);
	task = kthread_create(writer_run, writer, "generator/%u", cpu);
	if (IS_ERR(task))
		return PTR_ERR(task);
	kthread_bind(task, cpu);
	writer->task = task;
	return 0;
}

static void writers_stop(void)
{
	while (writers_count)
		kthread_stop(writers[--writers_count].task);
}

static int writers_start(unsigned long count)
{
	unsigned int cpu, i;
	int err;

	for_each_online_cpu(cpu) {
		if (holder && cpu == cpumask_last(cpu_online_mask))
			continue;
		for (i = 0; i < WRITERS_PER_CPU && writers_count < WRITERS_MAX; i++) {
			err = writer_start(&writers[writers_count], cpu);
			if (err) {
				writers_stop();
				return err;
			}
			writers_count++;
		}
	}
	atomic_set(&writers_busy, writers_count);
	for (i = 0; i < writers_count; i++)
		writers[i].left = count / writers_count + (i < count % writers_count);
	for (i = 0; i < writers_count; i++)
		wake_up_process(writers[i].task);
	return 0;
}

/* The lock of the module's parameters is held: there is one at a time. */
static int generate(unsigned long count)
{
	int err;

	reinit_completion(&writers_done);
	WRITE_ONCE(interrupted, false);
	err = writers_start(count);
	if (err)
		return err;
	err = wait_for_completion_interruptible(&writers_done);
	WRITE_ONCE(interrupted, true);
	writers_stop();
	return err;
}

static int generate_set(const char *text, const struct kernel_param *param)
{
	unsigned long count;
	int err = kstrtoul(text, 0, &count);

	if (err)
		return err;
	/* Not before there is a ring, nor after. */
	if (THIS_MODULE->state != MODULE_STATE_LIVE || !try_module_get(THIS_MODULE))
		return -EBUSY;
	err = generate(count);
	module_put(THIS_MODULE);
	return err;
}

static int hold_run(void *data)
{
	unsigned long end = jiffies + 10 * HZ;
	struct sshobs_mark *rec;

	preempt_disable();
	rec = mark_begin(SSHOBS_GENERATORS_MAX, 1);
	complete(&held);
	while (!kthread_should_stop() && time_before(jiffies, end))
		cpu_relax();
	mark_end(rec);
	preempt_enable();
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int hold_begin(void)
{
	struct task_struct *task;

	if (holder)
		return -EBUSY;
	task = kthread_create(hold_run, NULL, "generator-hold");
	if (IS_ERR(task))
		return PTR_ERR(task);
	if (!try_module_get(THIS_MODULE)) {
		kthread_stop(task);
		return -EBUSY;
	}
	kthread_bind(task, cpumask_last(cpu_online_mask));
	holder = task;
	reinit_completion(&held);
	wake_up_process(task);
	wait_for_completion(&held);
	return 0;
}

static int hold_set(const char *text, const struct kernel_param *param)
{
	bool hold;
	int err = kstrtobool(text, &hold);

	if (err)
		return err;
	if (THIS_MODULE->state != MODULE_STATE_LIVE)
		return -EBUSY;
	if (hold)
		return hold_begin();
	if (holder) {
		kthread_stop(holder);
		holder = NULL;
		module_put(THIS_MODULE);
	}
	return 0;
}

static const struct kernel_param_ops generate_ops = { .set = generate_set };
static const struct kernel_param_ops hold_ops = { .set = hold_set };

module_param_cb(generate, &generate_ops, NULL, 0200);
MODULE_PARM_DESC(generate, "records to write now");
module_param_cb(hold, &hold_ops, NULL, 0200);
MODULE_PARM_DESC(hold, "1: leave a record unfinished; 0: finish it");
