from sunpile.basics import errors


def test_every_error_has_a_status_a_code_of_its_own_and_a_place_in_the_drawn_tree() -> None:
    leaves = [cls for cls in vars(errors).values() if isinstance(cls, type) and issubclass(cls, errors.SunpileError)]
    codes = [cls.code for cls in leaves]
    assert len(codes) == len(set(codes))
    assert all(400 <= cls.status < 600 for cls in leaves)
    assert all(cls.__name__ in (errors.__doc__ or "") for cls in leaves)
