class CustomLogger:
    def __init__(self) -> None:
        pass
