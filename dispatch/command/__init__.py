"""指挥调度: who is near, who should go, and what they were told to do."""
