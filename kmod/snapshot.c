// SPDX-License-Identifier: GPL-2.0
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/kernel.h>
#include <linux/limits.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/pid.h>
#include <linux/pid_namespace.h>
#include <linux/ptrace.h>
#include <linux/rcupdate.h>
#include <linux/resource.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include <linux/sched/task.h>
#include <linux/string.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>

#include "environ.h"
#include "process.h"
#include "session.h"
#include "snapshot.h"

int sshobs_answer_add(struct sshobs_answer *answer, const void *data, size_t len)
{
	u64 at = answer->len;

	answer->len += len;
	if (answer->len > answer->size)
		return 0;
	return copy_to_user(answer->buf + at, data, len) ? -EFAULT : 0;
}

/* --- the task ------------------------------------------------------------------ */

static void task_memory(struct sshobs_task_info *info, struct mm_struct *mm)
{
	info->vm_kb = sshobs_kib(mm->total_vm);
	info->vm_peak_kb = sshobs_kib(get_mm_hiwater_vm(mm));
	info->rss_kb = sshobs_kib(get_mm_rss(mm));
	info->rss_peak_kb = sshobs_kib(get_mm_hiwater_rss(mm));
	info->swap_kb = sshobs_kib(get_mm_counter(mm, MM_SWAPENTS));
	info->locked_kb = sshobs_kib(mm->locked_vm);
	info->limits[RLIMIT_AS].used = (u64)mm->total_vm << PAGE_SHIFT;
	info->limits[RLIMIT_DATA].used = (u64)mm->data_vm << PAGE_SHIFT;
	info->limits[RLIMIT_MEMLOCK].used = (u64)mm->locked_vm << PAGE_SHIFT;
}

static void task_cred(struct sshobs_task_info *info, const struct cred *cred)
{
	info->uid = from_kuid(&init_user_ns, cred->uid);
	info->euid = from_kuid(&init_user_ns, cred->euid);
	info->suid = from_kuid(&init_user_ns, cred->suid);
	info->fsuid = from_kuid(&init_user_ns, cred->fsuid);
	info->gid = from_kgid(&init_user_ns, cred->gid);
	info->egid = from_kgid(&init_user_ns, cred->egid);
	info->sgid = from_kgid(&init_user_ns, cred->sgid);
	info->fsgid = from_kgid(&init_user_ns, cred->fsgid);
	info->cap_inh = sshobs_cap_bits(cred->cap_inheritable);
	info->cap_prm = sshobs_cap_bits(cred->cap_permitted);
	info->cap_eff = sshobs_cap_bits(cred->cap_effective);
	info->cap_bnd = sshobs_cap_bits(cred->cap_bset);
	info->cap_amb = sshobs_cap_bits(cred->cap_ambient);
	info->limits[RLIMIT_NPROC].used = SSHOBS_USER_COUNT(cred, NPROC);
	info->limits[RLIMIT_SIGPENDING].used = SSHOBS_USER_COUNT(cred, SIGPENDING);
	info->limits[RLIMIT_MSGQUEUE].used = SSHOBS_USER_COUNT(cred, MSGQUEUE);
}

/* Whom it belongs to; nobody once it was reaped. Under RCU. */
static void task_relatives(struct sshobs_task_info *info, struct task_struct *task)
{
	const struct task_struct *tracer = ptrace_parent(task);

	info->pid = task->tgid;
	info->pgid = task_pgrp_nr_ns(task, &init_pid_ns);
	info->sid = task_session_nr_ns(task, &init_pid_ns);
	info->tracer = tracer ? tracer->pid : 0;
	if (pid_alive(task))
		info->ppid = rcu_dereference(task->real_parent)->tgid;
}

static u64 task_session_id(const struct task_struct *task)
{
	const struct sshobs_session *session;
	u64 id;

	rcu_read_lock();
	session = sshobs_task_session(sshobs_task_find(task));
	id = session ? session->id : 0;
	rcu_read_unlock();
	return id;
}

static void task_tty(struct sshobs_task_info *info, struct task_struct *task)
{
	struct tty_struct *tty = sshobs_process_tty(task);

	if (tty)
		sshobs_process_tty_name(info->tty, tty);
	tty_kref_put(tty);
}

static void task_limits(struct sshobs_task_info *info, struct task_struct *task)
{
	unsigned int i;

	static_assert(RLIM_NLIMITS == SSHOBS_LIMITS);
	for (i = 0; i < SSHOBS_LIMITS; i++) {
		sshobs_process_limit(&info->limits[i], task, i);
		info->limits[i].used = SSHOBS_UNCOUNTED;
	}
	info->limits[RLIMIT_CPU].used = div_u64(info->utime_ns + info->stime_ns, NSEC_PER_SEC);
	info->limits[RLIMIT_NOFILE].used = sshobs_process_fds(task);
}

static void task_fill(struct sshobs_task_info *info, struct task_struct *task)
{
	const struct cred *cred = get_task_cred(task);

	info->start_ns = task->start_time;
	info->start_boot_ns = task->start_boottime;
	info->session = task_session_id(task);
	sshobs_process_times(task, &info->utime_ns, &info->stime_ns);
	info->voluntary_switches = task->nvcsw;
	info->nonvoluntary_switches = task->nivcsw;
	info->threads = task->signal->nr_threads;
	info->loginuid = from_kuid(&init_user_ns, audit_get_loginuid(task));
	info->audit_session = audit_get_sessionid(task);
	info->no_new_privs = task_no_new_privs(task);
#ifdef CONFIG_SECCOMP
	info->seccomp = task->seccomp.mode;
#endif
	info->state = task_state_to_char(task);
	strscpy(info->comm, task->comm, sizeof(info->comm));
	rcu_read_lock();
	task_relatives(info, task);
	rcu_read_unlock();
	task_tty(info, task);
	task_limits(info, task);
	task_cred(info, cred);
	put_cred(cred);
}

/* The answer: d_path() writes the path somewhere behind where it goes. */
struct task_room {
	struct sshobs_task_info	info;
	char			path[PATH_MAX + 8];
};

static void task_exe(struct task_room *room, const char *exe)
{
	size_t len = strlen(exe);

	memmove(room->info.exe, exe, len);
	memset(room->info.exe + len, 0, ALIGN(len, 8) - len);
	room->info.exe_len = len;
	room->info.len = sizeof(room->info) + ALIGN(len, 8);
}

static int snapshot_task(struct sshobs_answer *answer, struct task_struct *task)
{
	struct task_room *room = (void *)answer->room->bytes;
	struct mm_struct *mm;

	static_assert(sizeof(*room) <= sizeof(answer->room->bytes));

	memset(&room->info, 0, sizeof(room->info));
	task_fill(&room->info, task);
	task_exe(room, "");
	mm = get_task_mm(task);
	if (mm) {
		task_memory(&room->info, mm);
		task_exe(room, sshobs_process_exe(mm, room->path, PATH_MAX));
		mmput(mm);
	}
	return sshobs_answer_add(answer, room, room->info.len);
}

/* --- its memory ---------------------------------------------------------------- */

/**
 * struct memory - the memory of a process that is being read
 * @task: the process
 * @mm: its memory when the reading began, held
 * @arg_start: where its arguments begin
 * @arg_end: and end
 * @env_start: where its environment begins
 * @env_end: and ends
 * @piece: a piece of it
 */
struct memory {
	struct task_struct	*task;
	struct mm_struct	*mm;
	unsigned long		arg_start;
	unsigned long		arg_end;
	unsigned long		env_start;
	unsigned long		env_end;
	char			*piece;
};

/* Bytes of a piece; a title that is longer is cut, as /proc cuts it. */
#define PIECE		4096

/*
 * One piece. As /proc does, without file mappings: a file system
 * that never answers may be behind them. Return the bytes that could be read.
 */
static int memory_read(const struct memory *memory, unsigned long at, size_t len)
{
	return access_process_vm(memory->task, at, memory->piece, min_t(size_t, len, PIECE),
				 FOLL_ANON);
}

/* Any process may lay its bounds over all that it can map: to read that would not end. */
static int memory_answer(const struct memory *memory, struct sshobs_answer *answer,
			 unsigned long at, unsigned long end)
{
	int n, err;

	if (at < end && end - at > SSHOBS_SNAPSHOT_MEMORY_MAX) {
		end = at + SSHOBS_SNAPSHOT_MEMORY_MAX;
		answer->flags |= SSHOBS_SNAPSHOT_CUT;
	}
	while (at < end) {
		n = memory_read(memory, at, end - at);
		if (n <= 0)
			return 0;
		err = sshobs_answer_add(answer, memory->piece, n);
		if (err)
			return err;
		at += n;
		if (fatal_signal_pending(current))
			return -EINTR;
	}
	return 0;
}

/*
 * As /proc/PID/cmdline has it: where the last byte of the arguments is no NUL, setproctitle(3)
 * wrote over them, and perhaps over the environment that follows.
 */
static int memory_argv(const struct memory *memory, struct sshobs_answer *answer)
{
	unsigned long end = memory->arg_end;
	size_t len;
	int n;

	if (memory->arg_start >= end)
		return 0;
	if (memory_read(memory, end - 1, 1) != 1 || !*memory->piece)
		return memory_answer(memory, answer, memory->arg_start, end);
	if (memory->env_start == end && memory->env_end >= end)
		end = memory->env_end;
	n = memory_read(memory, memory->arg_start, end - memory->arg_start);
	if (n <= 0)
		return 0;
	len = strnlen(memory->piece, n);
	return sshobs_answer_add(answer, memory->piece, min_t(size_t, len + 1, n));
}

static int memory_environ(const struct memory *memory, struct sshobs_answer *answer)
{
	return memory_answer(memory, answer, memory->env_start, memory->env_end);
}

/*
 * access_process_vm() takes the memory that the task has by then: after an exec, that is not
 * the one whose bounds are known. What was read is good if the task still has it.
 */
static int snapshot_memory(struct sshobs_answer *answer, struct task_struct *task,
			   int (*read)(const struct memory *memory, struct sshobs_answer *answer))
{
	struct memory memory = { .task = task, .piece = answer->room->bytes };
	int err;

	memory.mm = get_task_mm(task);
	if (!memory.mm)
		return 0;
	spin_lock(&memory.mm->arg_lock);
	memory.arg_start = memory.mm->arg_start;
	memory.arg_end = memory.mm->arg_end;
	memory.env_start = memory.mm->env_start;
	memory.env_end = memory.mm->env_end;
	spin_unlock(&memory.mm->arg_lock);
	err = read(&memory, answer);
	if (!err && READ_ONCE(task->mm) != memory.mm)
		err = -EAGAIN;
	mmput(memory.mm);
	return err;
}

static int snapshot_exec_environ(struct sshobs_answer *answer, const struct task_struct *task)
{
	struct sshobs_environ *given;
	int err;

	given = sshobs_session_environ(task);
	if (!given)
		return -ENODATA;
	if (given->cut)
		answer->flags |= SSHOBS_SNAPSHOT_CUT;
	err = sshobs_answer_add(answer, given->data, given->len);
	sshobs_environ_put(given);
	return err;
}

/* --- the call ------------------------------------------------------------------- */

static int snapshot_read(struct sshobs_answer *answer, u32 what, struct task_struct *task)
{
	switch (what) {
	case SSHOBS_SNAPSHOT_TASK:
		return snapshot_task(answer, task);
	case SSHOBS_SNAPSHOT_FDS:
		return sshobs_snapshot_fds(answer, task);
	case SSHOBS_SNAPSHOT_ARGV:
		return snapshot_memory(answer, task, memory_argv);
	case SSHOBS_SNAPSHOT_ENVIRON:
		return snapshot_memory(answer, task, memory_environ);
	case SSHOBS_SNAPSHOT_EXEC_ENVIRON:
		return snapshot_exec_environ(answer, task);
	default:
		return -EINVAL;
	}
}

static struct task_struct *snapshot_find(const struct sshobs_snapshot *snapshot)
{
	struct task_struct *task;

	rcu_read_lock();
	task = get_pid_task(find_pid_ns(snapshot->pid, &init_pid_ns), PIDTYPE_TGID);
	rcu_read_unlock();
	if (!task || snapshot->start_ns == SSHOBS_SNAPSHOT_ANY ||
	    snapshot->start_ns == task->start_time)
		return task;
	put_task_struct(task);
	return NULL;
}

/*
 * A process that ended before its memory was looked at has none: empty, as /proc has it. One
 * that ends, or becomes another program, in the middle would give half of each.
 */
static int snapshot_answer(struct sshobs_room *room, struct sshobs_snapshot *snapshot)
{
	struct sshobs_answer answer = {
		.room = room,
		.buf = u64_to_user_ptr(snapshot->buf),
		.size = snapshot->buf_len,
	};
	struct task_struct *task;
	int err;

	task = snapshot_find(snapshot);
	if (!task)
		return -ESRCH;
	err = mutex_lock_killable(&room->lock);
	if (err)
		goto put_task;
	err = snapshot_read(&answer, snapshot->what, task);
	mutex_unlock(&room->lock);
	snapshot->start_ns = task->start_time;
	snapshot->flags = answer.flags;
	snapshot->len = answer.len;
	if (!err && answer.len > answer.size)
		err = -EOVERFLOW;
put_task:
	put_task_struct(task);
	return err;
}

int sshobs_snapshot(struct sshobs_room *room, void __user *arg, size_t size)
{
	struct sshobs_snapshot snapshot;
	int err;

	if (!capable(CAP_SYS_PTRACE))
		return -EPERM;
	err = copy_struct_from_user(&snapshot, sizeof(snapshot), arg, size);
	if (err)
		return err;
	if (snapshot.flags || snapshot.what < SSHOBS_SNAPSHOT_TASK ||
	    snapshot.what > SSHOBS_SNAPSHOT_EXEC_ENVIRON)
		return -EINVAL;
	err = snapshot_answer(room, &snapshot);
	if (err && err != -EOVERFLOW)
		return err;
	return copy_to_user(arg, &snapshot, sizeof(snapshot)) ? -EFAULT : err;
}
