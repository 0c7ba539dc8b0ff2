"""Users for locust: people who try sums, programs that ask OpenAI's way, and some who mistype.

pip install locust
longhand serve --port 8000 &
locust -f benchmarks/serving/locustfile.py --host http://127.0.0.1:8000 --headless -u 64 -r 16 -t 60s
"""

from __future__ import annotations

import random

from locust import FastHttpUser, constant, task


class Calculating(FastHttpUser):
    """Asks `/predict`, one problem after the other, and compares."""

    weight = 8
    wait_time = constant(0)

    @task
    def ask(self) -> None:
        """One problem."""
        a, b = random.randrange(1000), random.randrange(1000)
        equation, answer = random.choice([(f"{a}+{b}=", a + b), (f"{max(a, b)}-{min(a, b)}=", abs(a - b))])
        with self.client.post("/predict", json={"equation": equation}, catch_response=True) as response:
            if response.status_code == 200 and response.json()["predicted_answer"] != str(answer):
                response.failure(f"{equation} {response.text}")


class Completing(FastHttpUser):
    """Asks several prompts at once through `/v1/completions`."""

    weight = 2
    wait_time = constant(0.01)

    @task
    def complete(self) -> None:
        """Eight prompts."""
        prompts = [f"{random.randrange(1000)}+{random.randrange(1000)}=" for _ in range(8)]
        with self.client.post("/v1/completions", json={"prompt": prompts}, catch_response=True) as response:
            if response.status_code == 200:
                wrong = [choice for choice in response.json()["choices"] if choice["verdict"] != "correct"]
                if wrong:
                    response.failure(str(wrong[0]))


class Mistyping(FastHttpUser):
    """Asks what is no problem, and expects to be told so."""

    weight = 1
    wait_time = constant(0.05)

    @task
    def mistype(self) -> None:
        """One slip."""
        equation = random.choice(["951+11", "9999+1=", "05+3=", "5-9=", "hello"])
        with self.client.post("/predict", json={"equation": equation}, catch_response=True) as response:
            if response.status_code == 422:
                response.success()
            else:
                response.failure(f"{equation} {response.status_code}")
