// SPDX-License-Identifier: GPL-2.0
#include <dirent.h>
#include <errno.h>
#include <libkmod.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "commands.h"
#include "module.h"

#define SYSFS "/sys/module/" MODULE_NAME

bool module_is_loaded(void)
{
	return access(SYSFS, F_OK) == 0;
}

static bool read_value(const char *path, char *buf, size_t size)
{
	FILE *file = fopen(path, "re");
	bool ok;

	buf[0] = '\0';
	if (!file)
		return false;
	ok = fgets(buf, (int)size, file);
	buf[strcspn(buf, "\n")] = '\0';
	fclose(file);
	return ok;
}

const char *module_version(char *buf, size_t size)
{
	read_value(SYSFS "/version", buf, size);
	return buf;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct parameter *)a)->name, ((const struct parameter *)b)->name);
}

size_t module_parameters(struct parameter *parameters)
{
	DIR *dir = opendir(SYSFS "/parameters");
	struct dirent *entry;
	size_t n = 0;
	char path[512];

	while (dir && n < MODULE_MAX_PARAMETERS && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(parameters[n].name, sizeof(parameters[n].name), "%.63s", entry->d_name);
		snprintf(path, sizeof(path), SYSFS "/parameters/%.255s", entry->d_name);
		read_value(path, parameters[n].value, sizeof(parameters[n].value));
		n++;
	}
	if (dir)
		closedir(dir);
	qsort(parameters, n, sizeof(*parameters), compare);
	return n;
}

static void ignore_log(void *data, int priority, const char *file, int line, const char *fn,
		       const char *format, va_list args)
{
	(void)data;
	(void)priority;
	(void)file;
	(void)line;
	(void)fn;
	(void)format;
	(void)args;
}

static struct kmod_ctx *open_kmod(struct kmod_module **module)
{
	struct kmod_ctx *ctx = kmod_new(NULL, NULL);

	if (!ctx)
		return NULL;
	/* What goes wrong is said here, in one line. */
	kmod_set_log_fn(ctx, ignore_log, NULL);
	if (kmod_module_new_from_name(ctx, MODULE_NAME, module) < 0) {
		kmod_unref(ctx);
		return NULL;
	}
	return ctx;
}

static int not_found(void)
{
	struct utsname name;

	if (uname(&name))
		name.release[0] = '\0';
	return fail(
		STATUS_FAILURE,
		"load: no module for kernel %s; install linux-headers-%s, then: make load, or make dkms-install",
		name.release, name.release);
}

static int load_failed(int err)
{
	switch (err) {
	case -ENOENT:
		return fail(
			STATUS_FAILURE,
			"load: this kernel lacks a function that the module needs; see: dmesg | grep sshobs");
	case -EPERM:
	case -EACCES:
		if (geteuid() != 0)
			return fail(STATUS_NOT_PERMITTED,
				    "load: not permitted; run it as root: sudo sshobs load");
		return fail(
			STATUS_NOT_PERMITTED,
			"load: the kernel is locked down and wants a signed module (Secure Boot); sign it and enrol the key: mokutil --import KEY");
	case -EKEYREJECTED:
	case -ENOKEY:
		return fail(
			STATUS_NOT_PERMITTED,
			"load: the kernel does not trust the module's key (Secure Boot); enrol it: mokutil --import /var/lib/dkms/mok.pub, and reboot");
	case -EEXIST:
		return fail(STATUS_FAILURE,
			    "load: already loaded; for other parameters: sshobs unload first");
	case -EINVAL:
		return fail(STATUS_FAILURE,
			    "load: a parameter is not valid; see: dmesg | grep sshobs");
	case -ENOEXEC:
		return fail(
			STATUS_FAILURE,
			"load: the module was built for another kernel; build it anew: make load, or make dkms-install");
	case -ENXIO:
		return fail(
			STATUS_FAILURE,
			"load: probes do not fire when they are tried; is /sys/kernel/debug/kprobes/enabled 1? see: dmesg | grep sshobs");
	case -ENOMEM:
		return fail(STATUS_FAILURE, "load: out of memory; try a smaller ring_kb");
	}
	return fail(STATUS_FAILURE, "load: %s; see: dmesg | grep sshobs", strerror(-err));
}

/* Is it one of the module's "parm" lines, which begin with "name:"? */
static bool is_parameter(const struct kmod_list *info, const char *name, size_t len)
{
	const struct kmod_list *entry;

	kmod_list_foreach(entry, info)
	{
		const char *key = kmod_module_info_get_key(entry);
		const char *value = kmod_module_info_get_value(entry);

		if (strcmp(key, "parm") == 0 && strncmp(value, name, len) == 0 && value[len] == ':')
			return true;
	}
	return false;
}

/* The kernel would take a parameter that it does not know without an error. */
static int check_parameters(struct kmod_module *module, char **args, int n_args)
{
	struct kmod_list *info = NULL;
	int status = 0;
	int i;

	if (n_args && kmod_module_get_info(module, &info) < 0)
		info = NULL;
	for (i = 0; i < n_args && !status; i++) {
		size_t len = strcspn(args[i], "=");

		if (!len || args[i][len] != '=' || strpbrk(args[i], " \t\n\""))
			status = fail(STATUS_USAGE,
				      "load: %s: not a parameter; usage: sshobs load name=value...",
				      args[i]);
		else if (info && !is_parameter(info, args[i], len))
			status = fail(STATUS_USAGE,
				      "load: %.*s: no such parameter; see: modinfo -p sshobs",
				      (int)len, args[i]);
	}
	if (info)
		kmod_module_info_free_list(info);
	return status;
}

static char *join(char **args, int n_args)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	int i;

	for (i = 0; out && i < n_args; i++)
		fprintf(out, "%s%s", i ? " " : "", args[i]);
	if (out && fclose(out) == 0)
		return text;
	free(text);
	return NULL;
}

static int insert(struct kmod_module *module, char **args, int n_args)
{
	char *parameters;
	int status, err;

	if (!kmod_module_get_path(module))
		return not_found();
	status = check_parameters(module, args, n_args);
	if (status)
		return status;
	parameters = join(args, n_args);
	if (!parameters)
		return load_failed(-ENOMEM);
	err = kmod_module_probe_insert_module(module, KMOD_PROBE_FAIL_ON_LOADED, parameters, NULL,
					      NULL, NULL);
	free(parameters);
	return err < 0 ? load_failed(err) : 0;
}

int module_load(char **args, int n_args)
{
	struct kmod_module *module;
	struct kmod_ctx *ctx;
	int status;

	if (module_is_loaded())
		return load_failed(-EEXIST);
	ctx = open_kmod(&module);
	if (!ctx)
		return not_found();
	status = insert(module, args, n_args);
	kmod_module_unref(module);
	kmod_unref(ctx);
	return status;
}

static int unload_failed(int err)
{
	switch (err) {
	case -EPERM:
	case -EACCES:
		return fail(STATUS_NOT_PERMITTED,
			    "unload: not permitted; run it as root: sudo sshobs unload");
	case -EAGAIN:
	case -EBUSY:
		return fail(STATUS_FAILURE, "unload: busy, somebody reads " SSHOBS_DEVICE
					    "; end the readers: fuser -v " SSHOBS_DEVICE);
	case -ENOENT:
		return fail(STATUS_NO_MODULE, "unload: the module is not loaded; nothing to do");
	}
	return fail(STATUS_FAILURE, "unload: %s; see: dmesg | grep sshobs", strerror(-err));
}

int module_unload(void)
{
	struct kmod_module *module;
	struct kmod_ctx *ctx;
	int err;

	if (!module_is_loaded())
		return unload_failed(-ENOENT);
	ctx = open_kmod(&module);
	if (!ctx)
		return unload_failed(-ENOMEM);
	err = kmod_module_remove_module(module, KMOD_REMOVE_NOWAIT);
	kmod_module_unref(module);
	kmod_unref(ctx);
	return err < 0 ? unload_failed(err) : 0;
}

int command_load(const struct options *options)
{
	int status = module_load(options->args, options->n_args);

	if (!status && !options->quiet)
		puts("sshobs is loaded; watch logins with: sshobs");
	return status;
}

int command_unload(const struct options *options)
{
	if (options->n_args)
		return fail(STATUS_USAGE, "unload: takes no argument; usage: sshobs unload");
	return module_unload();
}
