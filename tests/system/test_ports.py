# SPDX-License-Identifier: ISC
"""What the other tests stand on: servers that are set up before any is started have ports of their own."""

from conftest import PORTS_A_SPAN, free_ports


def test_a_port_is_given_out_once_before_all_others():
    given = [port for _ in range(PORTS_A_SPAN // 14) for port in free_ports(7)]
    assert len(set(given)) == len(given)
