// SPDX-License-Identifier: GPL-2.0
#include <linux/binfmts.h>
#include <linux/bitops.h>
#include <linux/capability.h>
#include <linux/cgroup-defs.h>
#include <linux/cred.h>
#include <linux/err.h>
#include <linux/fcntl.h>
#include <linux/fs.h>
#include <linux/kernfs.h>
#include <linux/math64.h>
#include <linux/mm.h>
#include <linux/nsproxy.h>
#include <linux/preempt.h>
#include <linux/ptrace.h>
#include <linux/sched/signal.h>
#include <linux/tty.h>
#include <linux/uaccess.h>
#include <linux/uidgid.h>
#include <linux/wait.h>
#include <trace/events/sched.h>

#include "hooks.h"
#include "process.h"
#include "program.h"
#include "record.h"
#include "session.h"

/* What the child does not share, read off the two tasks; the call's flags are gone. */
static u64 clone_namespaces(const struct task_struct *child)
{
	const struct nsproxy *old = current->nsproxy;
	const struct nsproxy *new = child->nsproxy;
	u64 flags = 0;

	rcu_read_lock();
	if (current_cred()->user_ns != __task_cred(child)->user_ns)
		flags |= CLONE_NEWUSER;
	rcu_read_unlock();
	if (!old || !new || old == new)
		return flags;
	if (old->mnt_ns != new->mnt_ns)
		flags |= CLONE_NEWNS;
	if (old->uts_ns != new->uts_ns)
		flags |= CLONE_NEWUTS;
	if (old->ipc_ns != new->ipc_ns)
		flags |= CLONE_NEWIPC;
	if (old->pid_ns_for_children != new->pid_ns_for_children)
		flags |= CLONE_NEWPID;
	if (old->net_ns != new->net_ns)
		flags |= CLONE_NEWNET;
	if (old->cgroup_ns != new->cgroup_ns)
		flags |= CLONE_NEWCGROUP;
	return flags;
}

static u64 clone_flags(const struct task_struct *child)
{
	u64 flags = clone_namespaces(child);

	if (child->mm == current->mm)
		flags |= CLONE_VM;
	if (child->fs == current->fs)
		flags |= CLONE_FS;
	if (child->files == current->files)
		flags |= CLONE_FILES;
	if (rcu_access_pointer(child->sighand) == rcu_access_pointer(current->sighand))
		flags |= CLONE_SIGHAND;
	if (child->signal == current->signal)
		flags |= CLONE_THREAD;
	else if (rcu_access_pointer(child->real_parent) != current)
		flags |= CLONE_PARENT;
	if (child->vfork_done)
		flags |= CLONE_VFORK;
	return flags;
}

static void clone_record(struct sshobs_session *session, struct task_struct *parent,
			 const struct task_struct *child, u64 flags, u32 how)
{
	struct sshobs_clone *rec = sshobs_record_begin(session, parent, SSHOBS_CLONE, sizeof(*rec));

	if (!rec)
		return;
	rec->flags = flags;
	rec->start_ns = child->start_time;
	rec->child = child->pid;
	rec->how = how;
	sshobs_record_end(rec);
}

/*
 * The point inside kernel_clone() where the child is whole, and has not run: when
 * kernel_clone() returns in the parent, the child may be another program already.
 */
static int wake_up_new_task_enter(struct kprobe *probe, struct pt_regs *regs)
{
	struct task_struct *child = (void *)regs_get_kernel_argument(regs, 0);
	struct sshobs_task *parent;
	struct sshobs_session *session;

	sshobs_hit(SSHOBS_HOOK_WAKE_UP_NEW_TASK);
	parent = sshobs_task_find(current);
	if (!parent || child->flags & (PF_KTHREAD | PF_IO_WORKER))
		return 0;
	if (child->signal == current->signal)
		session = sshobs_task_session(parent);
	else
		session = sshobs_session_fork(parent, child);
	if (session)
		clone_record(session, current, child, clone_flags(child), 0);
	return 0;
}

/* --- a fork that fails --------------------------------------------------------- */

/*
 * cgroup_file_notify(file): a limit of a cgroup was hit. The controller of pids does this
 * in the fork that it refuses, and nowhere else; the others write to other files.
 */
static int cgroup_file_notify_enter(struct kprobe *probe, struct pt_regs *regs)
{
	static const char wanted[] = "pids.events";
	const struct cgroup_file *file = (void *)regs_get_kernel_argument(regs, 0);
	char name[sizeof(wanted) - 1];
	struct sshobs_task *entry;
	const void *node, *at;

	sshobs_hit(SSHOBS_HOOK_CGROUP_FILE_NOTIFY);
	entry = in_task() ? sshobs_task_find(current) : NULL;
	if (!entry)
		return 0;
	/* Whoever takes the controller away right now may free them. */
	node = READ_ONCE(file->kn);
	if (!node ||
	    copy_from_kernel_nofault(&at, node + offsetof(struct kernfs_node, name), sizeof(at)) ||
	    copy_from_kernel_nofault(name, at, sizeof(name)))
		return 0;
	if (!memcmp(name, wanted, sizeof(name))) {
		WRITE_ONCE(entry->refused, current->pid);
		/* What stays where another thread is refused before this one has looked. */
		atomic_inc(&entry->refusals);
	}
	return 0;
}

/* Whether a cgroup refused a fork of this thread since it was asked last. */
static bool refused_by_cgroup(struct sshobs_task *entry)
{
	return cmpxchg(&entry->refused, current->pid, 0) == current->pid;
}

static int kernel_clone_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	struct sshobs_task *entry;

	sshobs_hit(SSHOBS_HOOK_KERNEL_CLONE);
	if (sshobs_call_begin(call, NULL))
		return 1;
	entry = sshobs_task_find(current);
	/* One that nobody watched. */
	refused_by_cgroup(entry);
	call->refusals = atomic_read(&entry->refusals);
	call->nproc = SSHOBS_USER_COUNT(current_real_cred(), NPROC);
	return 0;
}

/* The kernel asks capable(), which would leave a trace in the audit log. */
static bool nproc_binds(const struct cred *cred)
{
	return !uid_eq(cred->uid, GLOBAL_ROOT_UID) &&
	       !cap_raised(cred->cap_effective, CAP_SYS_RESOURCE) &&
	       !cap_raised(cred->cap_effective, CAP_SYS_ADMIN);
}

/* What of all that EAGAIN may mean it is; only what is sure. */
static enum sshobs_fork_limit fork_limit(const struct sshobs_call *call, u64 nproc_used)
{
	const struct cred *cred = current_real_cred();
	struct sshobs_task *entry = sshobs_task_find(current);

	if (refused_by_cgroup(entry))
		return SSHOBS_FORK_PIDS;
	/* It refused another thread of the process, and maybe this one. */
	if (atomic_read(&entry->refusals) != call->refusals)
		return SSHOBS_FORK_UNKNOWN;
	/* Further out, the user may count as another one, and have other limits. */
	if (cred->user_ns != &init_user_ns)
		return SSHOBS_FORK_UNKNOWN;
	if (nproc_binds(cred) && nproc_used >= rlimit(RLIMIT_NPROC))
		return SSHOBS_FORK_NPROC;
	if (IS_ENABLED(CONFIG_CGROUP_PIDS) && !sshobs_hooks_active(SSHOBS_HOOK_CGROUP_FILE_NOTIFY))
		return SSHOBS_FORK_UNKNOWN;
	return SSHOBS_FORK_SYSTEM;
}

static int kernel_clone_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	long ret = (long)regs_return_value(regs);
	struct sshobs_clone_fail *rec;
	struct sshobs_limit limit;

	sshobs_call_end(call);
	/*
	 * A pid_t: the upper half of the register is not the function's. A fork that a
	 * signal came into begins anew, and nobody is told that it failed.
	 */
	if ((pid_t)ret >= 0 || (pid_t)ret == -ERESTARTNOINTR)
		return 0;
	rec = sshobs_record_begin(call->session, current, SSHOBS_CLONE_FAIL, sizeof(*rec));
	if (!rec)
		return 0;
	rec->error = -(pid_t)ret;
	sshobs_process_limit(&limit, current, RLIMIT_NPROC);
	rec->nproc_soft = limit.soft;
	rec->nproc_hard = limit.hard;
	rec->nproc_used = max_t(u64, call->nproc, SSHOBS_USER_COUNT(current_real_cred(), NPROC));
	if (rec->error == EAGAIN)
		rec->limit = fork_limit(call, rec->nproc_used);
	sshobs_record_end(rec);
	return 0;
}

/* --- exec ---------------------------------------------------------------------- */

/* What becomes of an execve that is refused memory: not even the arguments fit, for one. */
static bool as_told(int err)
{
	return (err == -ENOMEM || err == -EFAULT) && rlimit(RLIMIT_AS) != RLIM_INFINITY;
}

/* Once the new program has begun to take the old one's place, the address space is its own. */
static void as_limit(struct sshobs_limit *limit)
{
	sshobs_process_limit(limit, current, RLIMIT_AS);
	limit->used = (u64)READ_ONCE(current->mm->total_vm) << PAGE_SHIFT;
}

/*
 * A path that starts at a descriptor is told as bprm names it, also where there is no bprm yet.
 * An exec that a signal or another thread's exec interrupts, and that is to begin anew or is
 * killed, has not failed for anybody: the numbers from ERESTARTSYS on are the kernel's own.
 */
static void exec_fail_record(struct sshobs_session *session, int fd, const char *path, int err)
{
	struct sshobs_exec_fail *rec;
	size_t dir_len = 0, total, len, size;
	bool as = as_told(err);
	char dir[32] = "";

	if (err <= -ERESTARTSYS)
		return;
	if (fd != AT_FDCWD && *path != '/')
		dir_len = scnprintf(dir, sizeof(dir), "/dev/fd/%d%s", fd, *path ? "/" : "");
	total = dir_len + strlen(path);
	len = min_t(size_t, total, SSHOBS_PATH_MAX);
	size = sizeof(*rec) + len;
	if (as)
		size = ALIGN(size, 8) + sizeof(struct sshobs_limit);
	rec = sshobs_record_begin(session, current, SSHOBS_EXEC_FAIL, size);
	if (!rec)
		return;
	if (as)
		as_limit((void *)rec + size - sizeof(struct sshobs_limit));
	rec->error = -err;
	rec->path_len = len;
	rec->path_total = total;
	memcpy(rec->data, dir, dir_len);
	memcpy(rec->data + dir_len, path, len - dir_len);
	sshobs_record_end(rec);
}

static int bprm_execve_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	sshobs_hit(SSHOBS_HOOK_BPRM_EXECVE);
	return sshobs_call_begin((void *)slot->data, (void *)regs_get_kernel_argument(regs, 0));
}

/* 0 does not mean that a program runs: AT_EXECVE_CHECK only asks. */
static int bprm_execve_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	const struct linux_binprm *bprm = call->arg;
	int err = (int)regs_return_value(regs);

	sshobs_call_end(call);
	if (err < 0)
		exec_fail_record(call->session, AT_FDCWD, bprm->filename, err);
	return 0;
}

/* alloc_bprm(fd, filename, flags) */
static int alloc_bprm_decide(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	const void *filename = (void *)regs_get_kernel_argument(regs, 1);

	sshobs_hit(SSHOBS_HOOK_ALLOC_BPRM);
	/* Since 7.0 a path that cannot be taken from the caller gets this far, as an error. */
	if (IS_ERR_OR_NULL(filename))
		return 1;
	call->fd = regs_get_kernel_argument(regs, 0);
	return sshobs_call_begin(call, filename);
}

/* Since 6.8 the file is opened here, and bprm_execve() never sees a missing one. */
static int alloc_bprm_leave(struct kretprobe_instance *slot, struct pt_regs *regs)
{
	struct sshobs_call *call = (void *)slot->data;
	const struct filename *filename = call->arg;
	const void *bprm = (void *)regs_return_value(regs);

	sshobs_call_end(call);
	if (IS_ERR(bprm))
		exec_fail_record(call->session, call->fd, filename->name, PTR_ERR(bprm));
	return 0;
}

/* The task that current is the child of has not been told of in this session. */
static void exec_late_clone(struct sshobs_session *session)
{
	rcu_read_lock();
	clone_record(session, rcu_dereference(current->real_parent), current, 0, SSHOBS_CLONE_LATE);
	rcu_read_unlock();
}

static void exec_record(struct sshobs_session *session, const struct linux_binprm *bprm)
{
	const struct mm_struct *mm = current->mm;
	struct sshobs_program program = {
		.uid = from_kuid(&init_user_ns, current_uid()),
		.path = bprm->filename,
		.path_total = strlen(bprm->filename),
		.argv_total = mm->arg_end - mm->arg_start,
	};
	struct sshobs_exec *rec;

	program.tty = get_current_tty();
	rec = sshobs_program_begin(session, current, &program);
	tty_kref_put(program.tty);
	if (!rec)
		return;
	/* The kernel has just written them: they are there, but for extreme thrift. */
	if (copy_from_user_nofault(sshobs_program_argv(rec), (void __user *)mm->arg_start,
				   rec->argv_len))
		sshobs_program_argv_unread(rec);
	sshobs_record_end(rec);
}

static void exec_told(struct sshobs_task *entry, const struct linux_binprm *bprm)
{
	struct sshobs_session *session;
	bool late;

	session = sshobs_session_exec(entry, &late);
	if (!session)
		return;
	if (late)
		exec_late_clone(session);
	exec_record(session, bprm);
}

static void exec_trace(void *data, struct task_struct *task, pid_t old_pid,
		       struct linux_binprm *bprm)
{
	struct sshobs_task *entry;

	sshobs_hit(SSHOBS_HOOK_EXEC);
	preempt_disable();
	entry = sshobs_task_find(task);
	if (entry)
		exec_told(entry, bprm);
	preempt_enable();
}

static int commit_creds_enter(struct kprobe *probe, struct pt_regs *regs)
{
	const struct cred *new = (void *)regs_get_kernel_argument(regs, 0);
	struct sshobs_session *session;
	struct sshobs_ids before, after;
	struct sshobs_cred *rec;

	sshobs_hit(SSHOBS_HOOK_COMMIT_CREDS);
	session = sshobs_session_current();
	if (!session)
		return 0;
	sshobs_process_ids(&before, current_real_cred());
	sshobs_process_ids(&after, new);
	if (!memcmp(&before, &after, sizeof(before)))
		return 0;
	rec = sshobs_record_begin(session, current, SSHOBS_CRED, sizeof(*rec));
	if (!rec)
		return 0;
	rec->before = before;
	rec->after = after;
	sshobs_record_end(rec);
	return 0;
}

static void exit_record(struct sshobs_session *session, struct task_struct *task)
{
	const struct signal_struct *signal = task->signal;
	struct sshobs_limit limits[SSHOBS_EDGES_MAX];
	u32 edges = sshobs_process_edges(limits, task);
	size_t size = hweight32(edges) * sizeof(*limits);
	struct sshobs_exit *rec;
	u64 utime, stime;
	int status;

	/* As wait() tells it: of the group if that was ended, else of its leader. */
	status = signal->flags & SIGNAL_GROUP_EXIT ? signal->group_exit_code
						   : task->group_leader->exit_code;
	sshobs_process_times(task, &utime, &stime);
	rec = sshobs_record_begin(session, task, SSHOBS_EXIT, sizeof(*rec) + size);
	if (!rec)
		return;
	rec->signal = status & 0x7f;
	rec->code = rec->signal ? 0 : (status >> 8) & 0xff;
	rec->utime_ns = utime;
	rec->stime_ns = stime;
	rec->maxrss_kb = sshobs_kib(signal->maxrss);
	rec->limits = edges;
	memcpy(rec->limit, limits, size);
	sshobs_record_end(rec);
}

/* Of two last threads that get here, one finds it. */
static void exit_told(struct task_struct *task)
{
	struct sshobs_session *session = sshobs_session_leave(task);

	if (!session)
		return;
	exit_record(session, task);
	sshobs_session_put(session);
}

static void exit_trace(void *data, SSHOBS_EXIT_ARGS)
{
	sshobs_hit(SSHOBS_HOOK_EXIT);
	preempt_disable();
	if (sshobs_task_find(task) && !atomic_read(&task->signal->live))
		exit_told(task);
	preempt_enable();
}

/* Never called: the compiler compares the probes with the kernel's prototypes. */
static void __maybe_unused trace_prototypes(void)
{
	check_trace_callback_type_sched_process_exec(exec_trace);
	check_trace_callback_type_sched_process_exit(exit_trace);
}

struct sshobs_hook sshobs_hooks_task[] = {
	{
		.id = SSHOBS_HOOK_KERNEL_CLONE,
		.core = true,
		.symbol = "kernel_clone",
		.decide = kernel_clone_decide,
		.leave = kernel_clone_leave,
	}, {
		.id = SSHOBS_HOOK_WAKE_UP_NEW_TASK,
		.core = true,
		.symbol = "wake_up_new_task",
		.enter = wake_up_new_task_enter,
	}, {
		.id = SSHOBS_HOOK_BPRM_EXECVE,
		.core = true,
		.symbol = "bprm_execve",
		.decide = bprm_execve_decide,
		.leave = bprm_execve_leave,
	}, {
		.id = SSHOBS_HOOK_ALLOC_BPRM,
		.unneeded = !SSHOBS_ALLOC_BPRM_OPENS,
		.symbol = "alloc_bprm",
		.decide = alloc_bprm_decide,
		.leave = alloc_bprm_leave,
	}, {
		.id = SSHOBS_HOOK_EXEC,
		.core = true,
		.symbol = "sched_process_exec",
		.trace = exec_trace,
	}, {
		/* Never tried: for that, a cgroup would have to be made and to refuse a fork. */
		.id = SSHOBS_HOOK_CGROUP_FILE_NOTIFY,
		.symbol = "cgroup_file_notify",
		.enter = cgroup_file_notify_enter,
	}, {
		.id = SSHOBS_HOOK_COMMIT_CREDS,
		.symbol = "commit_creds",
		.enter = commit_creds_enter,
	}, {
		/* A member that could not leave would be there for ever. */
		.id = SSHOBS_HOOK_EXIT,
		.core = true,
		.symbol = "sched_process_exit",
		.trace = exit_trace,
	},
	{}
};
