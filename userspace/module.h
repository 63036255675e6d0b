/* SPDX-License-Identifier: GPL-2.0 */
/*
 * The kernel module: the only user of libkmod.
 */
#ifndef _SSHOBS_MODULE_H
#define _SSHOBS_MODULE_H

#include <stdbool.h>
#include <stddef.h>

#define MODULE_NAME	      "sshobs"
#define MODULE_MAX_PARAMETERS 32

/**
 * struct parameter - a parameter of the loaded module
 * @name: its name
 * @value: its value, on one line
 */
struct parameter {
	char name[64];
	char value[256];
};

/** module_is_loaded() - whether the module is there */
bool module_is_loaded(void);

/** module_version() - version of the loaded module, "" if unknown; Return: @buf */
const char *module_version(char *buf, size_t size);

/**
 * module_parameters() - parameters of the loaded module, sorted by name
 * @parameters: out: MODULE_MAX_PARAMETERS of them
 *
 * Return: how many.
 */
size_t module_parameters(struct parameter *parameters);

/**
 * module_load() - load the module
 * @args: name=value, each one
 * @n_args: how many
 *
 * Return: 0, or the exit status; why was said.
 */
int module_load(char **args, int n_args);

/**
 * module_unload() - unload the module
 *
 * Return: 0, or the exit status; why was said.
 */
int module_unload(void);

#endif /* _SSHOBS_MODULE_H */
