/* SPDX-License-Identifier: ISC */
/*
 * postern-gate gate LOG-FORMAT: started by the master, never by hand. A program of its own, because
 * it alone speaks TLS: in the other roles OpenSSL's libraries would be half of a process' memory,
 * and code that an attacker could use.
 */
#include "worker/roles.h"

int
main(int argc, char **argv)
{
	static const struct child_role *const roles[] = {&gate_role, NULL};

	child_main(argc, argv, roles);
}
