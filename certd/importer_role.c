/* SPDX-License-Identifier: ISC */
/*
 * The importer: a child of certd (certd_importer.h), with no key and no file, that forks a process
 * for each job. It reads nothing of what administrators import itself, so that one job can't reach
 * the next.
 */
#include "certd/certd.h"

#include <errno.h>
#include <event2/event.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/provider.h>

#include "certd/importer_job.h"
#include "common/log.h"
#include "common/proto/certd_importer.h"

struct importer {
	struct child *child;
	struct importer_means means;
	BIO *list;           /* of this host's authorities, as PEM; NULL: none, or parsed */
	struct event *ended; /* SIGCHLD */
	struct event *deadline;
	pid_t pid; /* of the job, or -1 */
	uint32_t number;
};

/* fork(2) of a process that closes itself off further: a filter, limits, no more forks. */
static const char *const syscalls[] = {"clone",       "clone3",   "wait4",     "kill",
				       "close_range", "prctl",    "seccomp",   "setrlimit",
				       "prlimit64",   "mlockall", "getrlimit", NULL};

const struct sandbox_rules importer_sandbox_rules = {
    .role = "importer",
    .files = SANDBOX_NO_FILES,
    .syscalls = syscalls,
    .forks = true,
};

/* Where distributions keep the list of authorities. */
static const char *const authority_files[] = {"/etc/ssl/certs/ca-certificates.crt",
					      "/etc/pki/tls/certs/ca-bundle.crt",
					      "/etc/ssl/cert.pem", NULL};

/* The list as text, while files can be opened. To parse it takes long, and most servers never
 * import. */
static BIO *
read_authorities(void)
{
	BIO *list = BIO_new(BIO_s_mem());
	char buffer[16384];

	for (const char *const *name = authority_files; list != NULL && *name != NULL; name++) {
		BIO *file = BIO_new_file(*name, "r");
		int n;

		while (file != NULL && (n = BIO_read(file, buffer, sizeof(buffer))) > 0) {
			if (BIO_write(list, buffer, n) != n)
				break;
		}
		BIO_free(file);
		if (BIO_pending(list) > 0)
			return list;
	}
	BIO_free(list);
	ERR_clear_error();
	return NULL;
}

/* For the first job, and all after it. */
static void
parse_authorities(struct importer *importer)
{
	X509_STORE *store = X509_STORE_new();
	X509 *certificate;
	size_t count = 0;

	while (store != NULL && importer->list != NULL &&
	       (certificate = PEM_read_bio_X509_AUX(importer->list, NULL, NULL, NULL)) != NULL) {
		count += X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	if (count > 0)
		importer->means.authorities = store;
	else
		X509_STORE_free(store);
	BIO_free(importer->list);
	importer->list = NULL;
	ERR_clear_error();
}

static void
reap(struct importer *importer)
{
	struct ci_ended ended = {.number = importer->number};
	int status;

	if (importer->pid == -1 || waitpid(importer->pid, &status, WNOHANG) != importer->pid)
		return;
	importer->pid = -1;
	event_del(importer->deadline);
	if (WIFSIGNALED(status))
		ended.signal = (uint32_t)WTERMSIG(status);
	else
		ended.status = (uint32_t)WEXITSTATUS(status);
	(void)ipc_send(importer->child->control, CI_ENDED, 0, &ended, NULL, 0, -1);
}

static void
on_ended(evutil_socket_t signal, short what, void *arg)
{
	(void)signal;
	(void)what;
	reap(arg);
}

static void
on_deadline(evutil_socket_t fd, short what, void *arg)
{
	struct importer *importer = arg;

	(void)fd;
	(void)what;
	if (importer->pid != -1)
		(void)kill(importer->pid, SIGKILL);
}

static int
importer_init(struct child *child, struct error *err)
{
	struct importer *importer = calloc(1, sizeof(*importer));

	if (importer == NULL)
		return error_errno(err, "importer");
	child->context = importer;
	importer->child = child;
	importer->pid = -1;
	importer->means.sandbox = (enum sandbox_mode)child->identity.sandbox;
	/* Once one is loaded by name, the default isn't loaded by itself. */
	importer->means.legacy = OSSL_PROVIDER_load(NULL, "legacy") != NULL;
	if (OSSL_PROVIDER_load(NULL, "default") == NULL)
		return error_set(err, "OpenSSL's default provider can't be loaded");
	ERR_clear_error();
	importer->list = read_authorities();
	importer->ended = evsignal_new(child->base, SIGCHLD, on_ended, importer);
	importer->deadline = evtimer_new(child->base, on_deadline, importer);
	if (importer->ended == NULL || importer->deadline == NULL ||
	    event_add(importer->ended, NULL) == -1)
		return error_set(err, "no events");
	return 0;
}

static int
importer_run(struct child *child, struct error *err)
{
	(void)err;
	child_ready(child);
	return 0;
}

static void
importer_drain(struct child *child)
{
	child_exit(child);
}

/* The channel becomes its descriptor 3, and there is no other but the log: not the control channel.
 */
static _Noreturn void
become_job(const struct importer *importer, int channel)
{
	signal(SIGCHLD, SIG_DFL);
	signal(SIGXCPU, SIG_DFL);
	/* It would outlive us, reading from a terminal perhaps. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1)
		_exit(127);
	if (dup2(channel, CHILD_CONTROL_FD) == -1)
		_exit(127);
	closefrom(CHILD_CONTROL_FD + 1);
	importer_job_run(CHILD_CONTROL_FD, &importer->means);
}

static int
on_job(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ci_job *job = message->body;
	const struct timeval wall = {.tv_sec = JOB_WALL_SECONDS};
	struct child *child = context;
	struct importer *importer = child->context;

	(void)channel;
	/* certd has given up the one before. */
	if (importer->pid != -1) {
		(void)kill(importer->pid, SIGKILL);
		while (waitpid(importer->pid, NULL, 0) == -1 && errno == EINTR)
			;
	}
	if (importer->list != NULL)
		parse_authorities(importer);
	importer->number = job->number;
	importer->pid = fork();
	if (importer->pid == 0)
		become_job(importer, message->fd);
	if (importer->pid == -1)
		log_event(LOG_ERR, "import.failed", KV_ERRNO(errno));
	else
		(void)evtimer_add(importer->deadline, &wall);
	return 0;
}

static int
on_kill(struct ipc_channel *channel, struct ipc_message *message, void *context)
{
	const struct ci_kill *request = message->body;
	const struct ci_ended ended = {.number = request->number, .status = 1};
	struct child *child = context;
	const struct importer *importer = child->context;

	/* One that has just died by itself isn't changed by this, and SIGCHLD tells how. */
	if (importer->pid != -1 && importer->number == request->number)
		(void)kill(importer->pid, SIGKILL);
	else
		(void)ipc_send(channel, CI_ENDED, 0, &ended, NULL, 0, -1);
	return 0;
}

static const struct ipc_handler handlers[] = {{CI_JOB, on_job}, {CI_KILL, on_kill}, {0, NULL}};

const struct child_role importer_role = {
    .name = "importer",
    .control = &certd_importer_boundary,
    .handlers = handlers,
    .rules = &importer_sandbox_rules,
    .init = importer_init,
    .run = importer_run,
    .drain = importer_drain,
};
