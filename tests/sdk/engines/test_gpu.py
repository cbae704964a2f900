from isfp.engines.gpu import Gpu


def test_a_model_tells_orins_of_one_name_apart():
    assert Gpu("Orin", "87", "12.6", None, 16).model == "Orin (16 SMs)"
    assert Gpu("Orin", "87", "12.6", None, 8).model != Gpu("Orin", "87", "12.6", None, 16).model
    assert Gpu("Orin", "87", "12.6", None).model == "Orin"
