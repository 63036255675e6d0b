// SPDX-License-Identifier: GPL-2.0
#include <linux/cred.h>
#include <linux/fdtable.h>
#include <linux/file.h>
#include <linux/fs.h>
#include <linux/jiffies.h>
#include <linux/mm.h>
#include <linux/preempt.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/slab.h>
#include <linux/sock_diag.h>
#include <linux/tty.h>
#include <linux/uidgid.h>
#include <net/tcp_states.h>

#include "adopt.h"
#include "hooks.h"
#include "process.h"
#include "program.h"
#include "record.h"
#include "session.h"

/* What one look at an fd table finds; @file, referenced, is that of @sock. */
struct look {
	struct sock	*sock;
	struct file	*file;
	bool		listens;
	bool		several;
	unsigned int	looked;
};

/* Called by iterate_fd(), under the table's lock. */
static int look_at_fd(const void *arg, struct file *file, unsigned int fd)
{
	struct look *look = (struct look *)arg;
	struct socket *socket = sshobs_sock_from_file(file);
	struct sock *sock = socket ? socket->sk : NULL;

	/* There may be several further on. */
	if (++look->looked > SSHOBS_FDS_MAX) {
		look->several = true;
		return 1;
	}
	if (!sock || socket->type != SOCK_STREAM || !sshobs_sock_watched(sock))
		return 0;
	switch (READ_ONCE(sock->sk_state)) {
	case TCP_LISTEN:
		look->listens = true;
		break;
	case TCP_ESTABLISHED:
	case TCP_CLOSE_WAIT:
		if (!look->sock) {
			look->sock = sock;
			look->file = get_file(file);
		} else if (look->sock != sock) {
			look->several = true;
		}
		break;
	}
	return 0;
}

static void adopt_record(struct sshobs_session *session, struct task_struct *task,
			 struct sock *sock)
{
	struct sshobs_accept *rec = sshobs_record_begin(session, task, SSHOBS_ADOPT, sizeof(*rec));

	if (!rec)
		return;
	sshobs_endpoints(sock, &rec->peer, &rec->local);
	sock_diag_save_cookie(sock, (__u32 *)&rec->cookie);
	rec->start_ns = session->start_ns;
	sshobs_record_end(rec);
}

/*
 * The session whose socket a process holds. While its file is held here, the socket is not
 * closed; when it is closed later, the hook will find it.
 */
static struct sshobs_session *adopt_by_socket(struct task_struct *task)
{
	struct sshobs_session *session = NULL;
	struct look look = {};
	bool born;

	task_lock(task);
	if (!task->files)
		goto unlock;
	iterate_fd(task->files, 0, look_at_fd, &look);
	if (!look.sock || look.listens || look.several)
		goto put_file;
	session = sshobs_session_adopt_sock(look.sock, task->start_time, &born);
	if (session && born)
		adopt_record(session, task, look.sock);
put_file:
	if (look.file)
		fput(look.file);
unlock:
	task_unlock(task);
	return session;
}

static struct sshobs_session *adopt_by_parent(const struct task_struct *task)
{
	return sshobs_task_session(sshobs_task_find(rcu_dereference(task->real_parent)));
}

static void adopt_clone_record(struct sshobs_session *session, struct task_struct *task)
{
	struct task_struct *parent = rcu_dereference(task->real_parent);
	struct sshobs_clone *rec = sshobs_record_begin(session, parent, SSHOBS_CLONE, sizeof(*rec));

	if (!rec)
		return;
	rec->start_ns = task->start_time;
	rec->child = task->tgid;
	rec->how = SSHOBS_CLONE_ADOPTED;
	sshobs_record_end(rec);
}

/* Return true if the process is a new member. */
static bool adopt_task(struct task_struct *task)
{
	struct sshobs_session *session;

	if (task->flags & PF_KTHREAD || sshobs_task_find(task))
		return false;
	session = adopt_by_socket(task);
	if (!session)
		session = adopt_by_parent(task);
	if (!session || !sshobs_session_adopt_task(session, task))
		return false;
	adopt_clone_record(session, task);
	return true;
}

/**
 * struct adopted - processes that were made members, for their programs
 * @tasks: their leaders, referenced
 * @count: how many
 * @size: room in @tasks
 */
struct adopted {
	struct task_struct	**tasks;
	unsigned int		count;
	unsigned int		size;
};

static void adopt_one(struct adopted *adopted, struct task_struct *task)
{
	bool member;

	preempt_disable();
	member = adopt_task(task);
	preempt_enable();
	if (!member)
		return;
	get_task_struct(task);
	adopted->tasks[adopted->count++] = task;
}

/*
 * Look at who was born at @from or later, for some ticks of the clock, but at one at the least:
 * whoever waits for RCU, or for the processor, need not wait for all of them. The list has them
 * in the order of their births; of two that fork at once, the younger may come first, and the
 * other one is passed over if the walk stops between them. Return true, and where to go on, if
 * there are more.
 */
static bool adopt_some(struct adopted *adopted, u64 *from)
{
	const u64 first = *from;
	struct task_struct *task;
	unsigned long begin = 0;
	bool more = false;

	rcu_read_lock();
	for_each_process(task) {
		if (task->start_time < first)
			continue;
		if (adopted->count == adopted->size)
			break;
		if (!begin)
			begin = jiffies;
		more = task->start_time > first && time_after(jiffies, begin);
		if (more) {
			*from = task->start_time;
			break;
		}
		adopt_one(adopted, task);
	}
	rcu_read_unlock();
	return more;
}

/*
 * One pass over all processes, oldest first, so that parents come before their
 * children. Return how many became members.
 */
static unsigned int adopt_pass(struct adopted *adopted)
{
	const unsigned int before = adopted->count;
	u64 from = 0;

	while (adopt_some(adopted, &from))
		cond_resched();
	return adopted->count - before;
}

static void adopt_exec_record(struct task_struct *task, struct sshobs_program *program,
			      const char *argv, size_t argv_len)
{
	struct sshobs_session *session;
	struct sshobs_task *entry;
	struct sshobs_exec *rec;

	rcu_read_lock();
	preempt_disable();
	entry = sshobs_task_find(task);
	session = sshobs_task_session(entry);
	/* It may have gone, or have become another program, which the hook told. */
	if (!session || test_bit(SSHOBS_TASK_EXECED, &entry->flags))
		goto enable_preempt;
	rec = sshobs_program_begin(session, task, program);
	if (!rec)
		goto enable_preempt;
	if (argv_len >= rec->argv_len)
		memcpy(sshobs_program_argv(rec), argv, rec->argv_len);
	else
		sshobs_program_argv_unread(rec);
	sshobs_record_end(rec);
enable_preempt:
	preempt_enable();
	rcu_read_unlock();
}

/* As /proc does, without arguments in a file: a file system that never answers may be behind it. */
static void adopt_program(struct task_struct *task, struct mm_struct *mm, char *path_buf,
			  char *argv_buf)
{
	struct sshobs_program program = { .flags = SSHOBS_EXEC_ADOPTED };
	const struct cred *cred = get_task_cred(task);
	int argv_len;

	program.uid = from_kuid(&init_user_ns, cred->uid);
	put_cred(cred);
	program.path = sshobs_process_exe(mm, path_buf, SSHOBS_PATH_MAX);
	program.path_total = strlen(program.path);
	program.argv_total = mm->arg_end - mm->arg_start;
	argv_len = access_process_vm(task, mm->arg_start, argv_buf,
				     min_t(size_t, program.argv_total, SSHOBS_ARGV_MAX), FOLL_ANON);
	program.tty = sshobs_process_tty(task);
	adopt_exec_record(task, &program, argv_buf, max(argv_len, 0));
	tty_kref_put(program.tty);
}

static int adopt_programs(const struct adopted *adopted)
{
	char *buf = kmalloc(SSHOBS_PATH_MAX + SSHOBS_ARGV_MAX, GFP_KERNEL);
	unsigned int i;

	if (!buf)
		return -ENOMEM;
	for (i = 0; i < adopted->count; i++) {
		struct mm_struct *mm = get_task_mm(adopted->tasks[i]);

		if (!mm)
			continue;
		adopt_program(adopted->tasks[i], mm, buf, buf + SSHOBS_PATH_MAX);
		mmput(mm);
	}
	kfree(buf);
	return 0;
}

static unsigned int count_processes(void)
{
	const struct task_struct *task;
	unsigned int count = 0;

	rcu_read_lock();
	for_each_process(task)
		count++;
	rcu_read_unlock();
	return count;
}

int sshobs_adopt(void)
{
	struct adopted adopted = { .size = count_processes() };
	unsigned int i;
	int err;

	adopted.tasks = kvmalloc_array(adopted.size, sizeof(*adopted.tasks), GFP_KERNEL);
	if (!adopted.tasks)
		return -ENOMEM;
	/*
	 * A process that was born while its parent was no member yet may be behind
	 * the end of the list that a pass saw: again, until one finds nothing.
	 */
	while (adopt_pass(&adopted))
		;
	err = adopt_programs(&adopted);
	for (i = 0; i < adopted.count; i++)
		put_task_struct(adopted.tasks[i]);
	kvfree(adopted.tasks);
	return err;
}
