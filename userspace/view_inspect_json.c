// SPDX-License-Identifier: GPL-2.0
#include <string.h>

#include "format.h"
#include "inspect.h"
#include "inspect_words.h"
#include "json_build.h"
#include "view_links.h"

/* ~0 is the kernel's word for none. */
static void add_id(struct json_object *object, const char *key, uint32_t id)
{
	if (id == UINT32_MAX)
		json_add(object, key, NULL);
	else
		json_add_u64(object, key, id);
}

static void add_ids(struct json_object *object, const struct sshobs_task_info *task)
{
	json_add_u64(object, "pid", task->pid);
	json_add_u64(object, "ppid", task->ppid);
	json_add_u64(object, "pgid", task->pgid);
	json_add_u64(object, "sid", task->sid);
	json_add_u64(object, "tracer", task->tracer);
	json_add_u64(object, "threads", task->threads);
	json_add_u64(object, "uid", task->uid);
	json_add_u64(object, "euid", task->euid);
	json_add_u64(object, "suid", task->suid);
	json_add_u64(object, "fsuid", task->fsuid);
	json_add_u64(object, "gid", task->gid);
	json_add_u64(object, "egid", task->egid);
	json_add_u64(object, "sgid", task->sgid);
	json_add_u64(object, "fsgid", task->fsgid);
	add_id(object, "loginuid", task->loginuid);
	add_id(object, "audit_session", task->audit_session);
}

static void add_numbers(struct json_object *object, const struct sshobs_task_info *task)
{
	json_add_u64(object, "utime_ns", task->utime_ns);
	json_add_u64(object, "stime_ns", task->stime_ns);
	json_add_u64(object, "voluntary_switches", task->voluntary_switches);
	json_add_u64(object, "nonvoluntary_switches", task->nonvoluntary_switches);
	json_add_u64(object, "vm_kb", task->vm_kb);
	json_add_u64(object, "vm_peak_kb", task->vm_peak_kb);
	json_add_u64(object, "rss_kb", task->rss_kb);
	json_add_u64(object, "rss_peak_kb", task->rss_peak_kb);
	json_add_u64(object, "swap_kb", task->swap_kb);
	json_add_u64(object, "locked_kb", task->locked_kb);
	json_add_u64(object, "cap_inh", task->cap_inh);
	json_add_u64(object, "cap_prm", task->cap_prm);
	json_add_u64(object, "cap_eff", task->cap_eff);
	json_add_u64(object, "cap_bnd", task->cap_bnd);
	json_add_u64(object, "cap_amb", task->cap_amb);
	json_add_u64(object, "seccomp", task->seccomp);
	json_add_bool(object, "no_new_privs", task->no_new_privs);
}

/* ~0 means unlimited, and not counted. */
static void add_limit(struct json_object *object, const char *key, uint64_t value)
{
	json_add(object, key, value == UINT64_MAX ? NULL : json_object_new_uint64(value));
}

static struct json_object *limits_array(const struct sshobs_task_info *task)
{
	struct json_object *array = json_object_new_array();
	unsigned int i;

	for (i = 0; i < SSHOBS_LIMITS; i++) {
		struct json_object *object = json_object_new_object();

		json_add_string(object, "name", name_of_limit(i));
		add_limit(object, "soft", task->limits[i].soft);
		add_limit(object, "hard", task->limits[i].hard);
		add_limit(object, "used", task->limits[i].used);
		json_object_array_add(array, object);
	}
	return array;
}

static struct json_object *process_object(const struct snapshot *snapshot)
{
	const struct sshobs_task_info *task = snapshot->task;
	struct json_object *object = json_object_new_object();

	json_add_bytes(object, "comm", task->comm, strnlen(task->comm, sizeof(task->comm)));
	json_add_bytes(object, "state", &task->state, 1);
	json_add_u64(object, "session", task->session);
	json_add_u64(object, "start_ns", task->start_ns);
	json_add_u64(object, "start_boot_ns", task->start_boot_ns);
	add_ids(object, task);
	json_add_tty(object, task->tty);
	if (snapshot->exe.len)
		json_add_bytes(object, "exe", snapshot->exe.data, snapshot->exe.len);
	else
		json_add(object, "exe", NULL);
	json_add_argv(object, (const unsigned char *)snapshot->argv.data, snapshot->argv.len);
	json_add_bool(object, "argv_cut", snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_ARGV));
	add_numbers(object, task);
	json_add(object, "limits", limits_array(task));
	json_add(object, "fds", view_fds_json(snapshot));
	json_add_strings(object, "environ", snapshot->environ.data, snapshot->environ.len);
	json_add_bool(object, "environ_cut", snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_ENVIRON));
	json_add_bool(object, "environ_overwritten", environ_is_gone(&snapshot->environ));
	if (snapshot->exec_environ.data)
		json_add_strings(object, "exec_environ", snapshot->exec_environ.data,
				 snapshot->exec_environ.len);
	else
		json_add(object, "exec_environ", NULL);
	json_add_bool(object, "exec_environ_cut",
		      snapshot_is_cut(snapshot, SSHOBS_SNAPSHOT_EXEC_ENVIRON));
	return object;
}

void view_inspect_json(const struct inspection *inspection, const struct links *links)
{
	const struct origin *origin = inspection->origin;
	struct json_object *object = json_object_new_object();
	struct json_object *processes = json_object_new_array();
	char time[FORMAT_MAX];
	size_t i;

	json_add_string(object, "time",
			format_utc(time, (int64_t)(origin->time_ns +
						   (uint64_t)origin->realtime_offset_ns)));
	json_add_origin(object, origin);
	if (inspection->session)
		json_add_u64(object, "session", inspection->session);
	else
		json_add(object, "session", NULL);
	json_add_u64(object, "gone", inspection->gone);
	for (i = 0; i < inspection->n; i++)
		if (!inspection->pid || inspection->pid == inspection->processes[i].task->pid)
			json_object_array_add(processes, process_object(&inspection->processes[i]));
	json_add(object, "processes", processes);
	json_add(object, "links", view_links_json(links));
	json_print(object);
}
