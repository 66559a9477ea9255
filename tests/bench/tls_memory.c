/* SPDX-License-Identifier: ISC */
/*
 * tls_memory - what an established, idle TLS connection costs the process that serves it.
 *
 *   tests/bench/tls_memory [-n connections] [-p postern-certd]
 *
 * The resident memory of a server with so many connections, less what it was with a few, by the
 * number of them. Sockets (kernel memory) are not in it.
 */
#include <err.h>
#include <malloc.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/bench/tls_client.h"
#include "tests/bench/tls_server.h"
#include "tests/unit/real_certd.h"

#define WARM_UP 100UL /* connections that are there before it is measured */

static size_t
resident(void)
{
	unsigned long size, pages;
	FILE *statm = fopen("/proc/self/statm", "r");

	if (statm == NULL || fscanf(statm, "%lu %lu", &size, &pages) != 2)
		err(1, "/proc/self/statm");
	fclose(statm);
	return pages * (size_t)sysconf(_SC_PAGESIZE);
}

static void
measure(struct real_certd *certd, int version, const char *title, unsigned long count)
{
	static const char *const name = "p256";
	struct tls_server server = {.choice = {.count = 1}, .keep = true};
	struct mallinfo2 before, after;
	size_t resident_before;
	uint16_t port;
	int listener = tls_server_listen(&port);
	int channel = real_certd_channel(certd, &name, 1), status;
	pid_t server_pid = fork(), client;

	if (server_pid == -1)
		err(1, "starting a server");
	if (server_pid > 0) {
		close(listener);
		close(channel);
		waitpid(server_pid, &status, 0);
		return;
	}
	strlcpy(server.choice.names[0], name, sizeof(server.choice.names[0]));
	client = fork();
	if (client == -1)
		err(1, "starting a client");
	if (client == 0) {
		tls_client_run(port, version, WARM_UP + count, 16, true);
		pause();
		_exit(0);
	}
	tls_server_start(&server, listener, channel);
	tls_server_run(&server, WARM_UP);
	resident_before = resident();
	before = mallinfo2();
	tls_server_run(&server, WARM_UP + count);
	after = mallinfo2();
	printf("%-8s %6lu connections: %6.1f KiB resident, %6.1f KiB allocated, each\n", title,
	       count, (double)(resident() - resident_before) / (double)count / 1024,
	       (double)(after.uordblks - before.uordblks) / (double)count / 1024);
	fflush(stdout);
	kill(client, SIGKILL);
	waitpid(client, &status, 0);
	_exit(0);
}

int
main(int argc, char **argv)
{
	struct rlimit files;
	struct real_certd certd;
	unsigned long count = 2000;
	const char *program = "./postern-certd", *problem = NULL;
	int option;

	while ((option = getopt(argc, argv, "n:p:")) != -1) {
		if (option == 'n')
			count = (unsigned long)strtonum(optarg, 1, 100000, &problem);
		else if (option == 'p')
			program = optarg;
		else
			return 1;
		if (problem != NULL)
			errx(1, "-%c %s: %s", option, optarg, problem);
	}
	if (getrlimit(RLIMIT_NOFILE, &files) == -1)
		err(1, "limits");
	files.rlim_cur = files.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &files);
	signal(SIGPIPE, SIG_IGN);
	real_certd_init(&certd, program);
	real_certd_start(&certd);
	real_certd_create(&certd, "p256", CERT_KEY_P256, "mail.example");
	measure(&certd, TLS1_3_VERSION, "TLS 1.3", count);
	measure(&certd, TLS1_2_VERSION, "TLS 1.2", count);
	real_certd_free(&certd);
	return 0;
}
