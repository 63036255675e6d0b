// SPDX-License-Identifier: GPL-2.0
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "scene.h"

struct scene *scene;
struct member *me;
int listener, nested_listener, hold;
void (*part)(int sock);

struct member *enlist(pid_t pid, int conn)
{
	unsigned int i = __atomic_fetch_add(&scene->members, 1, __ATOMIC_SEQ_CST);

	if (i >= MEMBERS_MAX)
		abort();
	scene->member[i] = (struct member){
		.pid = pid, .parent = getpid(), .parent_tid = syscall(SYS_gettid), .conn = conn,
	};
	return &scene->member[i];
}

pid_t born(int conn)
{
	pid_t parent = getpid(), parent_tid = syscall(SYS_gettid);
	pid_t pid = fork();

	if (pid)
		return pid;
	me = enlist(getpid(), conn);
	me->parent = parent;
	me->parent_tid = parent_tid;
	return 0;
}

void __attribute__((noreturn)) leave(int code)
{
	me->code = code;
	_exit(code);
}

void __attribute__((noreturn)) become(const char *path, ...)
{
	const char *argv[16] = { path };
	va_list args;
	int i = 0;

	va_start(args, path);
	while (argv[i])
		argv[++i] = va_arg(args, const char *);
	va_end(args);
	me->execs++;
	execv(path, (char **)argv);
	_exit(127);
}

void __attribute__((noreturn)) become_cat(int in)
{
	dup2(in, STDIN_FILENO);
	become("/bin/cat", NULL);
}

int conn_of(int sock)
{
	struct sockaddr_storage address;
	socklen_t len = sizeof(address);
	uint16_t port;
	int i;

	getpeername(sock, (struct sockaddr *)&address, &len);
	/* Both families have it at the same place. */
	port = be16toh(((uint16_t *)&address)[1]);
	for (i = 0; i < CONNECTIONS_MAX - 1 && scene->conn[i].port != port; i++)
		;
	return i;
}

int take_from(int from, int flags)
{
	int sock = accept4(from, NULL, NULL, flags);
	struct conn *conn = &scene->conn[conn_of(sock)];
	socklen_t len = sizeof(conn->cookie);

	conn->acceptor = getpid();
	conn->acceptor_tid = syscall(SYS_gettid);
	getsockopt(sock, SOL_SOCKET, SO_COOKIE, &conn->cookie, &len);
	return sock;
}

int take(void)
{
	return take_from(listener, 0);
}

void until_closed(int fd)
{
	char byte;

	while (read(fd, &byte, 1) > 0)
		;
}

void hello(int sock)
{
	if (write(sock, "h", 1) != 1)
		_exit(126);
}

pid_t raw_clone(unsigned long flags)
{
	return syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0);
}

int scene_start(int family, void (*serve)(void), pid_t *server)
{
	int fds[2];

	scene = mmap(NULL, sizeof(*scene), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		     -1, 0);
	listener = listen_on(family, PORT);
	nested_listener = listen_on(family, PORT_NESTED);
	if (scene == MAP_FAILED || listener < 0 || nested_listener < 0 || pipe2(fds, O_CLOEXEC))
		return -1;
	hold = fds[0];
	*server = fork();
	if (!*server) {
		close(fds[1]);
		serve();
		while (wait(NULL) > 0)
			;
		_exit(0);
	}
	close(listener);
	close(nested_listener);
	close(hold);
	return fds[1];
}

/* --- servers ---------------------------------------------------------------- */
void serve_fork(void)
{
	int sock = take();

	if (!born(0)) {
		until_closed(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

void serve_part(void)
{
	int sock = take();

	/* Another server may come. */
	close(listener);
	close(nested_listener);
	if (!born(0)) {
		part(sock);
		leave(3);
	}
	hello(sock);
	close(sock);
}

void serve_parts(int from, int count)
{
	int sock;

	while (count--) {
		sock = accept(from, NULL, NULL);
		if (!fork()) {
			part(sock);
			_exit(0);
		}
		close(sock);
	}
}

/* --- pty and prompt --- */
int open_master(void)
{
	int master = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);

	return grantpt(master) || unlockpt(master) ? -1 : master;
}

int pts_of(int master)
{
	int pts = -1;

	ioctl(master, TIOCGPTN, &pts);
	return pts;
}

static char long_name[300];

const struct failing failing[FAILING] = {
	{ "/no/such/program", ENOENT },
	{ "no-such-program", ENOENT },
	{ "/etc/passwd/program", ENOTDIR },
	{ NO_PERMISSION, EACCES },
	{ "/tmp", EACCES },
	{ NO_FORMAT, ENOEXEC },
	{ NO_INTERPRETER, ENOENT },
	{ long_name, ENAMETOOLONG },
};

bool make_failing(void)
{
	memset(long_name, 'n', sizeof(long_name) - 1);
	return write_file(NO_FORMAT, "\1\2\3\4 nothing", 12) &&
	       write_file(NO_INTERPRETER, "#!/no/such/shell\n", 17) &&
	       write_file(NO_PERMISSION, "#!/bin/sh\n", 10) &&
	       !chmod(NO_FORMAT, 0755) && !chmod(NO_INTERPRETER, 0755) &&
	       !chmod(NO_PERMISSION, 0644);
}

void exec_in_vain(int sock)
{
	size_t i;

	(void)sock;
	for (i = 0; i < FAILING; i++) {
		execl(failing[i].path, "program", NULL);
		if (errno != failing[i].error)
			_exit(126);
	}
}
